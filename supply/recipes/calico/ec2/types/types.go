// Package types holds the parts of EC2's answers that Calico reads.
package types

// Reservation is a group of instances.
type Reservation struct{ Instances []Instance }

// Instance is a machine.
type Instance struct{ NetworkInterfaces []InstanceNetworkInterface }

// InstanceNetworkInterface is a network interface of a machine.
type InstanceNetworkInterface struct {
	Attachment         *InstanceNetworkInterfaceAttachment
	NetworkInterfaceId *string
}

// InstanceNetworkInterfaceAttachment says where an interface is plugged in.
type InstanceNetworkInterfaceAttachment struct{ DeviceIndex *int32 }

// AttributeBooleanValue is a flag that may be unset.
type AttributeBooleanValue struct{ Value *bool }
