package egresscontrol

import (
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/suite"
)

// routedElsewhere applies a fixture that should not be there just before a step, and waits
// until the sidecar takes the route that it leads to.
func routedElsewhere(before, fixture string, field expect.Field, x suite.Exchange, route expect.LineCheck) suite.Sabotage {
	return suite.BreakBefore(before, fixture+" before: "+before, field,
		suite.Sequence(suite.Apply(suite.Fixtures("egress-control/sabotage/"+fixture+".yaml")), suite.AwaitRoutedTo(x, route)))
}

// blockedHostRegistered are the sabotages of RegistryOnlyBlocks: the blocked host is known
// to the mesh in one way or another.
func blockedHostRegistered() []suite.Sabotage {
	tls := func(before, fixture string, field expect.Field) suite.Sabotage {
		return routedElsewhere(before, fixture, field, overTLS(blocked, 443), expect.ClusterIs("outbound|443||"+blocked))
	}
	plain := func(before string, field expect.Field) suite.Sabotage {
		return routedElsewhere(before, "registered-in-clear", field, inClear(), expect.ClusterIs("outbound|80||"+blocked))
	}
	refused := func(before string, field expect.Field) suite.Sabotage {
		return routedElsewhere(before, "refused", field, inClear(), expect.RouteIs("refused"))
	}
	return []suite.Sabotage{
		plain(plainRefused, expect.FieldStatus),
		refused(plainRefused, expect.FieldLogRoute).At(plainRefusedBy),
		tls(tlsSevered, "registered", expect.FieldFailure),
		tls(tlsSevered, "registered-nowhere", expect.FieldLogUpstreamCluster).At(tlsSeveredBy),
		refused(plainPasses, expect.FieldStatus),
		plain(plainPasses, expect.FieldLogUpstreamCluster).At(plainPassesBy),
		tls(tlsPasses, "registered-nowhere", expect.FieldStatus),
		tls(tlsPasses, "registered", expect.FieldLogUpstreamCluster).At(tlsPassesBy),
		tls(nothingPasses, "registered", expect.FieldFailure),
	}
}

// bothPorts are the ports of a ServiceEntry that opens the other port too.
func bothPorts() []any {
	return []any{
		map[string]any{"number": 443, "name": "https", "protocol": "HTTPS"},
		map[string]any{"number": 9443, "name": "https-other", "protocol": "HTTPS"},
	}
}

// bypassOpened does something just before a step, and waits until the exchange is right.
func bypassOpened(before, name string, field expect.Field, x suite.Exchange, action suite.Action) suite.Sabotage {
	return suite.BreakBefore(before, name, field, suite.Sequence(action, suite.WaitFor(x)))
}

// twice applies a fixture a second time under another name, which no step deletes.
func twice(name string, field expect.Field, fixtures string) suite.Sabotage {
	return suite.AddObject(name+" twice", field, suite.Edited(suite.Fixtures(fixtures), manifest.Rename(map[string]string{name: name + "-twice"})))
}
