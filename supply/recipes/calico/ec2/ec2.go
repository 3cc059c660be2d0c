// Package ec2 stands in for Amazon's EC2 client. Calico's node program can turn
// off a check of Amazon's network and needs two calls for it, which never happen
// in a kind cluster; the whole client takes longer to compile than Calico. Both
// calls are refused here.
package ec2

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ErrLeftOut is what every call ends in.
var ErrLeftOut = errors.New("this build of Calico has no client for Amazon EC2: leave awsSrcDstCheck at DoNothing")

// Options are those of the client that Calico sets.
type Options struct{ Region string }

// Client is a client without a service.
type Client struct{ options Options }

// NewFromConfig makes a client; it makes no connection.
func NewFromConfig(_ aws.Config, set ...func(*Options)) *Client {
	c := &Client{}
	for _, s := range set {
		s(&c.options)
	}
	return c
}

// DescribeInstancesInput names instances.
type DescribeInstancesInput struct{ InstanceIds []string }

// DescribeInstancesOutput lists instances by reservation.
type DescribeInstancesOutput struct{ Reservations []types.Reservation }

// DescribeInstances is refused.
func (c *Client) DescribeInstances(context.Context, *DescribeInstancesInput, ...func(*Options)) (*DescribeInstancesOutput, error) {
	return nil, ErrLeftOut
}

// ModifyNetworkInterfaceAttributeInput is a change to a network interface.
type ModifyNetworkInterfaceAttributeInput struct {
	NetworkInterfaceId *string
	SourceDestCheck    *types.AttributeBooleanValue
}

// ModifyNetworkInterfaceAttributeOutput is empty.
type ModifyNetworkInterfaceAttributeOutput struct{}

// ModifyNetworkInterfaceAttribute is refused.
func (c *Client) ModifyNetworkInterfaceAttribute(context.Context, *ModifyNetworkInterfaceAttributeInput, ...func(*Options)) (*ModifyNetworkInterfaceAttributeOutput, error) {
	return nil, ErrLeftOut
}
