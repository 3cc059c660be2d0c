package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"meshgate/framework/mesh/detect"
)

const (
	StatusPort = 15021 // the gateway's health port, if its Service has it
	plainPort  = 80
)

// dialLimit bounds one attempt: an unassigned address does not answer at all.
const dialLimit = 2 * time.Second

// Answers is nil when a gateway answers at the place: its health endpoint with 200 or, if the
// Service does not have that port, any TCP port.
func Answers(ctx context.Context, p detect.Place) error {
	ctx, stop := context.WithTimeout(ctx, dialLimit)
	defer stop()
	if port, ok := p.Ports[StatusPort]; ok {
		return healthy(ctx, net.JoinHostPort(p.Host, strconv.Itoa(port)))
	}
	if port, ok := p.Ports[plainPort]; ok {
		return connects(ctx, net.JoinHostPort(p.Host, strconv.Itoa(port)))
	}
	for _, port := range p.Ports {
		return connects(ctx, net.JoinHostPort(p.Host, strconv.Itoa(port)))
	}
	return fmt.Errorf("gateway at %s: its Service has no ports", p.Host)
}

// Reach returns the first place at which a gateway answers.
func Reach(ctx context.Context, places []detect.Place) (detect.Place, error) {
	var errs []error
	for _, p := range places {
		err := Answers(ctx, p)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return detect.Place{}, errors.Join(errs...)
}

func healthy(ctx context.Context, address string) error {
	url := "http://" + address + "/healthz/ready"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// It bypasses any proxy in the environment, as the probes of the suites do.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("gateway at %s does not answer: %w", address, err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("gateway: %s: status: want 200, got %d", url, resp.StatusCode)
	}
	return nil
}

func connects(ctx context.Context, address string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("gateway at %s does not answer: %w", address, err)
	}
	return conn.Close()
}
