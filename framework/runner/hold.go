package runner

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"meshgate/framework/hold"
	"meshgate/framework/printable"
	"meshgate/framework/progress"
	"meshgate/framework/replay"
	"meshgate/framework/report"
)

// stop is where a session holds one feature for a person to look at.
type stop struct {
	*hold.Hold
	out     io.Writer      // lines for that person, beside the progress
	target  *replay.Target // held before its step; nil: after the first failure
	reached bool           // that step was
}

// newStop holds no longer than the limit.
func newStop(o Options, limit time.Duration, target *replay.Target) *stop {
	return &stop{Hold: hold.New(o.In, limit), out: progress.Lines(o.Log), target: target}
}

// heldAfter holds the first feature that fails, as it is then.
func (r *featureRun) heldAfter(ctx context.Context, step report.Step) {
	stop := r.suite.session.stop
	if stop == nil || ctx.Err() != nil || !stop.Take() {
		return
	}
	head := fmt.Sprintf("whose step %q failed", step.Name)
	if t := stop.target; t != nil {
		head += fmt.Sprintf(", earlier than in run %s, where %q did", t.Run, t.Step.Name)
	}
	// What a person changes while the feature is held must neither excuse the failure nor hide
	// a change that does.
	now, err := r.look(ctx)
	r.look = func(context.Context) (infraState, error) { return now, err }
	r.hold(ctx, step.Name, step.Failure, head+": "+step.Failure.Message)
}

// heldBefore says whether a step is the one before which a replay stops: the feature is
// held there, and the step does not run.
func (r *featureRun) heldBefore(ctx context.Context, step string) bool {
	stop := r.suite.session.stop
	if stop == nil || stop.target == nil || stop.target.Step.Name != step {
		return false
	}
	r.failed = true // no further step runs
	if ctx.Err() != nil || !stop.Take() {
		return true
	}
	stop.reached = true
	t := stop.target
	r.hold(ctx, step, t.Step.Failure, fmt.Sprintf("before its step %q, which failed in run %s: %s", step, t.Run, t.Saw()))
	return true
}

// maxHead bounds what was seen, which the report has in full.
const maxHead = 600

// hold keeps everything as it is until a person lets it go, and prints for that person how
// to reproduce the step.
func (r *featureRun) hold(ctx context.Context, step string, failed *report.Failure, head string) {
	name := Key(r.suite.suite.Name, r.feature.Name)
	phase := r.suite.session.phases.Begin("held: " + name)
	dir, err := os.MkdirTemp("", "meshgate-")
	if err != nil {
		phase.Note("there is no place for the files of its commands: %v", err)
	}
	defer os.RemoveAll(dir)
	phase.Note("%s", r.suite.session.stop.Wait(ctx, func(until time.Time) {
		s := r.reproGuide(dir)
		s.say("held: %s, %s", name, printable.Short(head, maxHead))
		s.firstWrongHop(failed)
		s.warnDifferentEnv(r.suite.session.stop.target)
		s.requestCommands(ctx, step, failed)
		s.podCommands()
		s.say("Enter goes on, Ctrl-C ends the run; at %s it goes on by itself. Then all of this is removed, with %s.", until.Format(time.TimeOnly), dir)
		s.show(r.suite.session.stop.out)
		phase.Waiting("Enter, or " + until.Format(time.TimeOnly))
	}))
	phase.End(nil)
}
