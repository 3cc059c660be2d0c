package egresscontrol

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// astray has a host taken another way from some step on, by a fixture that should not be
// there.
func astray(before, fixture, field string, r func(*suite.Env) probe.Request, way expect.LineCheck) suite.Sabotage {
	return suite.Meddle(before, fixture+" before: "+before, field,
		suite.After(suite.Standing(suite.Apply("egress-control/sabotage/"+fixture+".yaml")), suite.Leads("bookinfo", "agent", r, way)))
}

// uninvited are the sabotages of RegistryOnlyBlocks: the blocked host is known in one way
// or another.
func uninvited(at *string) []suite.Sabotage {
	tls := func(before, fixture, field string) suite.Sabotage {
		return astray(before, fixture, field, overTLS(at, blocked, "443"), expect.ClusterIs("outbound|443||"+blocked))
	}
	plain := func(before, field string) suite.Sabotage {
		return astray(before, "registered-in-clear", field, inClear(at, blocked), expect.ClusterIs("outbound|80||"+blocked))
	}
	refused := func(before, field string) suite.Sabotage {
		return astray(before, "refused", field, inClear(at, blocked), expect.RouteIs("refused"))
	}
	return []suite.Sabotage{
		plain(plainRefused, "status"),
		refused(plainRefused, "log route").At(plainRefused + itsLine),
		tls(tlsSevered, "registered", "failure"),
		tls(tlsSevered, "registered-nowhere", "log upstream cluster").At(tlsSevered + itsLine),
		refused(plainPasses, "status"),
		plain(plainPasses, "log upstream cluster").At(plainPasses + itsLine),
		tls(tlsPasses, "registered-nowhere", "status"),
		tls(tlsPasses, "registered", "log upstream cluster").At(tlsPasses + itsLine),
		tls(nothingPasses, "registered", "failure"),
	}
}

// bothPorts are those of a ServiceEntry that opens the other one too.
func bothPorts() []any {
	return []any{
		map[string]any{"number": 443, "name": "https", "protocol": "HTTPS"},
		map[string]any{"number": 9443, "name": "https-other", "protocol": "HTTPS"},
	}
}

// opened does something just before a step, and waits until the agent reaches a host by it.
func opened(before, name, field string, r func(*suite.Env) probe.Request, host string, do func(context.Context, *suite.Env) error) suite.Sabotage {
	return suite.Meddle(before, name, field, func(ctx context.Context, e *suite.Env) error {
		if err := do(ctx, e); err != nil {
			return err
		}
		return e.Await(ctx, host+" is reached", func(ctx context.Context) error {
			return reached(host)(e.AskFrom(ctx, "bookinfo", "agent", r(e)))
		})
	})
}

// twice has a fixture stand a second time under another name, which nobody takes back.
func twice(name, field, fixtures string) suite.Sabotage {
	return suite.Besides(name+" twice", field, suite.Edited(suite.Apply(fixtures), manifest.Rename(map[string]string{name: name + "-twice"})))
}
