package egresscontrol

import (
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// The steps of RegistryOnlyBlocks.
const (
	plainRefused   = "plain HTTP to a host that is not registered is answered by the sidecar itself"
	plainRefusedBy = "the sidecar's line of the plain request says that the route block_all refused it"
	tlsSevered     = "TLS to a host that is not registered is severed"
	tlsSeveredBy   = "the sidecar's line of the TLS connection says that BlackHoleCluster refused it"
	plainPasses    = "with ALLOW_ANY the same request by plain HTTP passes"
	plainPassesBy  = "the sidecar's line of the plain request says PassthroughCluster"
	tlsPasses      = "with ALLOW_ANY the same request over TLS passes"
	tlsPassesBy    = "the sidecar's line of the TLS connection says PassthroughCluster"
	nothingPasses  = "with REGISTRY_ONLY again nothing passes any more"
)

// registryOnlyBlocks changes the policy of the client that the other features use, so that
// it runs alone. Another host at the same address is registered meanwhile: it is not an
// empty registry that refuses.
func registryOnlyBlocks() suite.Feature {
	return suite.Feature{
		Name:    "RegistryOnlyBlocks",
		Promise: "A host that is not registered is refused by the sidecar, for the reason that it is not registered.",
		Spec:    spec,
		Alone:   true,
		Setup:   []suite.Setup{suite.Fixtures("egress-control/removal-blocks-again/*.yaml")},
		Steps: []suite.Step{
			suite.Do("no proxy knows of the server outside", suite.Func(unknownToTheMesh)),
			suite.Eventually(plainRefused, inClear(expect.Status(502)).As("plain, refused")),
			suite.Eventually(plainRefusedBy, suite.LineOf("plain, refused", sidecar(),
				expect.StatusIs(502), expect.DetailsAre("direct_response"), expect.RouteIs("block_all"), expect.NoUpstream())),
			suite.Eventually(tlsSevered, overTLS(blocked, 443, expect.Severed(), expect.FailedDuring(probe.PhaseTLS)).As("TLS, severed")),
			suite.Eventually(tlsSeveredBy, suite.LineOfConnection("TLS, severed", sidecar(), expect.FlagsAre("UH"), expect.ClusterIs("BlackHoleCluster"))),
			suite.Do("the same workload gets the policy ALLOW_ANY", suite.Apply(suite.Fixtures("egress-control/allow-any/*.yaml"))),
			suite.Eventually(plainPasses, inClear(expect.Status(200)).As("plain, passed")),
			suite.Eventually(plainPassesBy, suite.LineOf("plain, passed", sidecar(), expect.StatusIs(200), expect.ClusterIs("PassthroughCluster"))),
			suite.Eventually(tlsPasses, overTLS(blocked, 443, reached(blocked)).As("TLS, passed")),
			suite.Eventually(tlsPassesBy, suite.LineOfConnection("TLS, passed", sidecar(), expect.FlagsAre("-"), expect.ClusterIs("PassthroughCluster"))),
			// By changing the Sidecar: its deletion is lost to the proxies when istiod prepares
			// another push at that moment (seen with 1.31.1), until something else concerns them.
			suite.Do("the policy becomes REGISTRY_ONLY again", suite.Set("Sidecar", "allow-any", "REGISTRY_ONLY", "spec", "outboundTrafficPolicy", "mode")),
			suite.Eventually(nothingPasses, overTLS(blocked, 443, expect.Severed())),
		},
		// An extra ServiceEntry in the set-up is no sabotage here: the first refusals may be
		// seen before it takes effect.
		Sabotage: blockedHostRegistered(),
	}
}

func serviceEntryAllows() suite.Feature {
	const (
		closed    = "a host that is not registered is refused"
		reaches   = "the registered host is reached"
		reachedBy = "the sidecar's line says that the registered host was reached"
		otherPort = "another port of the registered host is refused"
		otherHost = "another host at the same address is refused"
		both      = "the other port and the other host stay refused"
	)
	entry := suite.Fixtures("egress-control/service-entry-allows/*.yaml")
	openOtherPort := suite.Set("ServiceEntry", "allowed", bothPorts(), "spec", "ports")
	closes := suite.WaitFor(overTLS(allowed, 443, expect.Severed()))
	return suite.Feature{
		Name:    "ServiceEntryAllows",
		Promise: "A ServiceEntry opens one host on one port, and no more.",
		Spec:    spec,
		Steps: []suite.Step{
			suite.Eventually(closed, overTLS(allowed, 443, expect.Severed())),
			suite.Do("the host is registered", suite.Apply(entry)),
			suite.Eventually(reaches, overTLS(allowed, 443, reached(allowed)).As("registered")),
			suite.Eventually(reachedBy, suite.LineOfConnection("registered", sidecar(),
				expect.FlagsAre("-"), expect.ClusterIs("outbound|443||"+allowed), expect.SNIIs(allowed))),
			suite.Now(otherPort, overTLS(allowed, 9443, expect.Severed())),
			suite.Now(otherHost, overTLS(blocked, 443, expect.Severed())),
			suite.Stay(both, overTLS(allowed, 9443, expect.Unanswered()), overTLS(blocked, 443, expect.Unanswered())),
		},
		Sabotage: []suite.Sabotage{
			suite.AddObject("it is registered already", expect.FieldFailure, suite.Edited(entry, manifest.Rename(map[string]string{"allowed": "allowed-before"}))),
			suite.BreakBefore(reaches, "it is registered no more", expect.FieldStatus, suite.Sequence(suite.Delete("ServiceEntry", "allowed"), closes)),
			suite.BreakBefore(reaches, "another port of it is", expect.FieldStatus,
				suite.Sequence(suite.Set("ServiceEntry", "allowed", 9443, "spec", "ports", "0", "number"), closes)),
			routedElsewhere(reaches, "by-subset", expect.FieldLogUpstreamCluster, overTLS(allowed, 443), expect.ClusterIs("outbound|443|other|"+allowed)).At(reachedBy),
			bypassOpened(otherPort, "the other port is registered as well", expect.FieldFailure, overTLS(allowed, 9443, reached(allowed)), openOtherPort),
			bypassOpened(otherHost, "the other host is registered as well", expect.FieldFailure, overTLS(blocked, 443, reached(blocked)),
				suite.Set("ServiceEntry", "allowed", []any{allowed, blocked}, "spec", "hosts")),
			bypassOpened(both, "the other port is registered after all", expect.FieldFailure, overTLS(allowed, 9443, reached(allowed)), openOtherPort),
		},
	}
}

func exportToOneNamespace() suite.Feature {
	const (
		denied = "another member namespace does not reach the host"
		both   = "the other namespace reaches the host once it is exported there too, so the export was what refused it"
	)
	return suite.Feature{
		Name:    "ExportToOneNamespace",
		Promise: "A ServiceEntry that is exported to one namespace opens the host there, and in no other.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.Fixtures("egress-control/export-to-one-namespace/*.yaml")},
		Steps: []suite.Step{
			suite.Control("the namespace that it is exported to reaches the host", overTLS(exported, 443, reached(exported))),
			suite.Stay(denied, overTLS(exported, 443, expect.Severed()).From("other", "neighbour")),
			suite.Do("the host is exported to the other namespace too", suite.Set("ServiceEntry", "exported", []any{"*"}, "spec", "exportTo")),
			suite.Eventually(both, overTLS(exported, 443, reached(exported)).From("other", "neighbour")),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("ServiceEntry", "exported", expect.FieldFailure, []any{"*"}, "spec", "exportTo").At(denied),
			suite.AddObject("a Sidecar that imports nothing", expect.FieldStatus, suite.Fixtures("egress-control/sabotage/imports-nothing.yaml")).At(both),
			suite.Withhold("ServiceEntry", "exported", expect.FieldStatus),
		},
	}
}

// outsideTheMesh states the limit of what a sidecar can do, and what goes beyond it.
func outsideTheMesh() suite.Feature {
	const (
		anyHost = "a pod of a namespace that is no member reaches any host"
		stopped = "a policy stops a pod without a sidecar"
		reaches = "without the policy the pod without a sidecar reaches the host"
	)
	outsider := overTLS(blocked, 443, reached(blocked)).From("bookinfo", "outsider")
	return suite.Feature{
		Name:    "OutsideTheMesh",
		Promise: "What has no sidecar is not covered: the registry does not hold it back, a NetworkPolicy does.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.Where(mesh.NetworkPolicy, suite.Fixtures("egress-control/outside-the-mesh/*.yaml"))},
		Steps: []suite.Step{
			suite.Eventually(anyHost, overTLS(blocked, 443, reached(blocked)).From("world", "outsider")),
			suite.Needing(mesh.NetworkPolicy, suite.Eventually(stopped, unanswered(overTLS(blocked, 443, expect.Dropped()).From("bookinfo", "outsider")))),
			suite.Needing(mesh.NetworkPolicy, suite.Do("the policy is deleted", suite.Delete("NetworkPolicy", "outsider-stays-in"))),
			suite.Eventually(reaches, outsider),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("NetworkPolicy", "outsider-stays-in", expect.FieldFailedDuring, map[string]any{"app": "nobody"}, "spec", "podSelector", "matchLabels").At(stopped),
			suite.BreakBefore(anyHost, "a policy that holds the pod back", expect.FieldStatus, suite.Sequence(
				suite.Apply(suite.Fixtures("egress-control/sabotage/world-stays-in.yaml")),
				suite.WaitFor(unanswered(overTLS(blocked, 443, expect.Dropped()).From("world", "outsider"))))).Needing(mesh.NetworkPolicy),
			twice("outsider-stays-in", expect.FieldStatus, "egress-control/outside-the-mesh/*.yaml").At(reaches).Needing(mesh.NetworkPolicy),
		},
	}
}

func removalBlocksAgain() suite.Feature {
	const (
		fixtures     = "egress-control/removal-blocks-again/*.yaml"
		refused      = "new connections are refused"
		staysRefused = "new connections stay refused"
		oneMore      = "one more connection is attempted"
		unregistered = "the sidecar's line says that the host is not registered"
	)
	return suite.Feature{
		Name:    "RemovalBlocksAgain",
		Promise: "A ServiceEntry that is removed closes its host again.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.Fixtures(fixtures)},
		Steps: []suite.Step{
			suite.Control("the registered host is reached", overTLS(removed, 443, reached(removed))),
			suite.Do("its ServiceEntry is deleted", suite.Delete("ServiceEntry", "removed")),
			suite.Eventually(refused, overTLS(removed, 443, expect.Severed())),
			suite.Stay(staysRefused, overTLS(removed, 443, expect.Unanswered())),
			suite.Do(oneMore, suite.Send(overTLS(removed, 443).As("one more"))),
			suite.Eventually(unregistered, suite.LineOfConnection("one more", sidecar(), expect.ClusterIs("BlackHoleCluster"), expect.FlagsAre("UH"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("ServiceEntry", "removed", expect.FieldStatus),
			twice("removed", expect.FieldFailure, fixtures).At(refused),
			bypassOpened(oneMore, "the ServiceEntry is there again", expect.FieldLogUpstreamCluster, overTLS(removed, 443, reached(removed)), suite.Apply(suite.Fixtures(fixtures))).At(unregistered),
			bypassOpened(staysRefused, "the ServiceEntry comes back", expect.FieldFailure, overTLS(removed, 443, reached(removed)), suite.Apply(suite.Fixtures(fixtures))),
		},
	}
}
