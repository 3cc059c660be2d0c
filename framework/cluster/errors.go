package cluster

import "fmt"

// ForeignError refuses something that bears a name we want and is not ours.
type ForeignError struct {
	// Object is what was found, such as `container "meshgate-control-plane"`.
	Object string
	// Why says how we know that it is not ours.
	Why string
	// Next says what a person can do.
	Next string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s exists and is not meshgate's (%s); %s", e.Object, e.Why, e.Next)
}

// AbsentError is the reason for a capability that a cluster lacks. It is not a
// failure of the run: features that need the capability are skipped with it.
type AbsentError struct {
	Capability string
	Reason     string
}

func (e *AbsentError) Error() string {
	return fmt.Sprintf("%s is absent: %s", e.Capability, e.Reason)
}
