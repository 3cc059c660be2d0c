package egresspriority

import (
	"fmt"
	"time"

	"meshgate/framework/suite"
)

// delay is how long the server takes for an answer where time is measured. The original
// example takes five seconds; what matters is that it is long next to what a proxy adds.
const delay = 400 * time.Millisecond

// rounds of asking by the clock: the machine may be busy in one of them.
const rounds = 3

// clockStep names the step of inSteps.
func clockStep(plan string, limit, callers int) string {
	return fmt.Sprintf("the clock shows %d callers of %s answered in %d step(s) of %s", callers, plan, (callers+limit-1)/limit, delay)
}

// inSteps wants by the clock what the limit implies.
func (h host) inSteps(plan string, limit, callers int) suite.Condition {
	return suite.ByTheClock(suite.InSteps{
		Undelayed: h.ask(plan, ""), Delayed: h.ask(plan, "delay="+delay.String()), Client: suite.App{Namespace: "bookinfo", Name: product},
		Limit: limit, Callers: callers, Delay: delay, Rounds: rounds,
	})
}
