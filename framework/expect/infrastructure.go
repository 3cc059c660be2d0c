package expect

import "errors"

// Infrastructure marks an error as one of the infrastructure (API server, agent, a fixture
// of ours): it says nothing about the mesh, whatever mismatches it wraps. Nil is nil.
func Infrastructure(err error) error {
	if err == nil {
		return nil
	}
	return &infrastructure{err}
}

// IsInfrastructure tells whether an error was marked so.
func IsInfrastructure(err error) bool {
	var i *infrastructure
	return errors.As(err, &i)
}

type infrastructure struct{ cause error }

func (i *infrastructure) Error() string { return i.cause.Error() }
func (i *infrastructure) Unwrap() error { return i.cause }
