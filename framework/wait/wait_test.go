package wait

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errNotYet = errors.New("1 of 3 proxies SYNCED")

// after returns a condition that is met once d has passed.
func after(d time.Duration) Condition {
	start := time.Now()
	return func(context.Context) error {
		if time.Since(start) < d {
			return errNotYet
		}
		return nil
	}
}

// script returns a condition that answers attempt by attempt: '+' met, '-' not met; the
// last answer repeats.
func script(s string, at *[]time.Duration) Condition {
	start, n := time.Now(), 0
	return func(context.Context) error {
		*at = append(*at, time.Since(start))
		c := s[min(n, len(s)-1)]
		n++
		if c == '+' {
			return nil
		}
		return fmt.Errorf("attempt %d: %w", n, errNotYet)
	}
}

func TestUntilPollsAtOnceAndThenAtTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		out, err := Until(t.Context(), Deadline{Name: "ready", Within: time.Minute}, 2*time.Second, script("--+", &at))
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second}, at)
		assert.Equal(t, 3, out.Attempts)
		assert.Equal(t, 4*time.Second, out.Took)
		assert.Equal(t, 4*time.Second, out.ConvergedAfter)
		assert.Zero(t, out.Resets)
	})
}

func TestUntilPollsLessOftenInALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		out, err := Until(t.Context(), Deadline{Name: "ready", Within: 15 * time.Second}, 200*time.Millisecond, script("-", &at))
		require.ErrorIs(t, err, ErrExpired)
		assert.Equal(t, 2*time.Second, at[10], "the interval does not grow at first")
		for i := 1; i < len(at); i++ {
			assert.LessOrEqual(t, at[i]-at[i-1], max(200*time.Millisecond, at[i-1]/10), "attempt %d", i)
			assert.LessOrEqual(t, at[i]-at[i-1], maxGap)
		}
		assert.Equal(t, 14800*time.Millisecond, at[len(at)-1], "the last attempt begins one interval before the deadline")
		assert.Less(t, out.Attempts, 40)
	})
}

func TestConvergeKeepsTheIntervalDuringARowOfSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := Converge(t.Context(), Deadline{Name: "ready", Within: time.Minute}, 200*time.Millisecond, 3, after(20*time.Second))
		require.NoError(t, err)
		assert.Equal(t, 400*time.Millisecond, out.Took-out.ConvergedAfter)
	})
}

func TestUntilErrorNamesDeadlineBudgetAttemptsAndLastCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := Until(t.Context(), Deadline{Name: "gateway programmed", Within: 10 * time.Second}, 3*time.Second, after(time.Hour))
		require.ErrorIs(t, err, ErrExpired)
		require.ErrorIs(t, err, errNotYet)
		assert.EqualError(t, err, "gateway programmed: not met in time: 4 attempts in 10s of 10s: last: 1 of 3 proxies SYNCED")
		assert.Equal(t, Outcome{Took: 10 * time.Second, Attempts: 4, Causes: []Cause{
			{Text: errNotYet.Error(), Times: 4, Last: 9 * time.Second}}}, out)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, out, e.Outcome)
	})
}

func TestUntilKeepsTheCauseBeforeAnAttemptThatTheDeadlineEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		out, err := Until(t.Context(), Deadline{Name: "answers", Within: 5 * time.Second}, time.Second, func(ctx context.Context) error {
			if n++; n == 1 {
				return errNotYet
			}
			<-ctx.Done()
			return ctx.Err()
		})
		assert.EqualError(t, err, "answers: not met in time: 2 attempts in 5s of 5s, the last one cut short: last: 1 of 3 proxies SYNCED")
		assert.True(t, out.CutShort)
	})
}

func TestUntilLimitsTheContextOfAnAttemptToTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var remains []time.Duration
		n := 0
		_, err := Until(t.Context(), Deadline{Name: "ready", Within: 10 * time.Second}, 4*time.Second, func(ctx context.Context) error {
			end, ok := ctx.Deadline()
			require.True(t, ok)
			remains = append(remains, time.Until(end))
			if n++; n < 3 {
				return errNotYet
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{10 * time.Second, 6 * time.Second, 2 * time.Second}, remains)
	})
}

func TestUntilFailsWhenMetOnlyAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := Until(t.Context(), Deadline{Name: "ready", Within: time.Second}, time.Second, func(context.Context) error {
			time.Sleep(3 * time.Second)
			return nil
		})
		require.ErrorIs(t, err, ErrExpired)
		assert.ErrorContains(t, err, "met, but only after the deadline")
	})
}

func TestUntilReportsTheCallersContextBeforeOtherReasons(t *testing.T) {
	why := errors.New("interrupted by the user")
	waits := map[string]func(context.Context, Condition) (Outcome, error){
		"until": func(ctx context.Context, c Condition) (Outcome, error) {
			return Until(ctx, Deadline{Name: "ready", Within: time.Minute}, time.Second, c)
		},
		"converge": func(ctx context.Context, c Condition) (Outcome, error) {
			return Converge(ctx, Deadline{Name: "ready", Within: time.Minute}, time.Second, 3, c)
		},
	}
	for name, run := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(2500*time.Millisecond, func() { cancel(why) })
				out, err := run(ctx, after(time.Hour))
				require.ErrorIs(t, err, why)
				require.ErrorIs(t, err, errNotYet)
				require.NotErrorIs(t, err, ErrExpired)
				assert.Equal(t, 2500*time.Millisecond, out.Took)
				assert.Equal(t, 3, out.Attempts)

				calls := 0
				_, err = run(ctx, func(context.Context) error { calls++; return nil })
				require.ErrorIs(t, err, why)
				assert.Zero(t, calls, "no attempt is made with an ended context")
			})
		})
	}
}

func TestFinalEndsTheWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := errors.New("admission webhook denied the Gateway")
		out, err := Until(t.Context(), Deadline{Name: "applied", Within: time.Minute}, time.Second, func(context.Context) error {
			return fmt.Errorf("apply: %w", Final(denied))
		})
		require.ErrorIs(t, err, denied)
		require.NotErrorIs(t, err, ErrExpired)
		assert.EqualError(t, err, "applied: cannot be met any more: 1 attempt in 0s of 1m0s: last: apply: admission webhook denied the Gateway")
		assert.Equal(t, 1, out.Attempts)
		assert.NoError(t, Final(nil))
	})
}

func TestConvergeSpacesSuccessesAndCountsResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		out, err := Converge(t.Context(), Deadline{Name: "one star", Within: time.Minute}, time.Second, 3, script("-++-+++", &at))
		require.NoError(t, err)
		for i, when := range at {
			assert.Equal(t, time.Duration(i)*time.Second, when)
		}
		assert.Equal(t, 7, out.Attempts)
		assert.Equal(t, 1, out.Resets)
		assert.Equal(t, 4*time.Second, out.ConvergedAfter)
		assert.Equal(t, 6*time.Second, out.Took)
		assert.Len(t, out.Causes, 2)
	})
}

func TestConvergeErrorSaysHowOftenTheRowWasReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flip := false
		out, err := Converge(t.Context(), Deadline{Name: "one star", Within: 10 * time.Second}, time.Second, 2, func(context.Context) error {
			if flip = !flip; flip {
				return nil
			}
			return errNotYet
		})
		require.ErrorIs(t, err, ErrExpired)
		assert.ErrorContains(t, err, "5 resets")
		assert.Equal(t, 5, out.Resets)
		assert.Zero(t, out.ConvergedAfter, "a wait that failed has no moment of convergence")
	})
}

func TestOutcomeKeepsABoundedNumberOfCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		out, err := Until(t.Context(), Deadline{Name: "x", Within: 59500 * time.Millisecond}, time.Second, func(context.Context) error {
			n++
			return fmt.Errorf("cause %d", n)
		})
		require.Error(t, err)
		require.Len(t, out.Causes, maxCauses)
		assert.Equal(t, "cause 60", out.Causes[maxCauses-1].Text)
		assert.Equal(t, "cause 1", out.Causes[0].Text)
	})
}

func TestInfeasibleWaitsAreRefused(t *testing.T) {
	met := func(context.Context) error { return nil }
	for want, run := range map[string]func() (Outcome, error){
		"has no name":        func() (Outcome, error) { return Until(t.Context(), Deadline{Name: "", Within: time.Second}, 1, met) },
		"the budget is 0s":   func() (Outcome, error) { return Until(t.Context(), Deadline{Name: "x", Within: 0}, 1, met) },
		"the interval is 0s": func() (Outcome, error) { return Until(t.Context(), Deadline{Name: "x", Within: time.Second}, 0, met) },
		"want at least 1, got 0": func() (Outcome, error) {
			return Converge(t.Context(), Deadline{Name: "x", Within: time.Second}, 1, 0, met)
		},
		"5 attempts every 1s need": func() (Outcome, error) { return Converge(t.Context(), Deadline{Name: "x", Within: 4e9}, 1e9, 5, met) },
		"2 attempts every 2s need": func() (Outcome, error) {
			return Throughout(t.Context(), Deadline{Name: "x", Within: 2e9}, 2e9, 5*time.Second, met)
		},
	} {
		_, err := run()
		assert.ErrorContains(t, err, want)
	}
}

func TestFirstAttemptsMayExceedTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(met int) Condition {
			n := 0
			return func(ctx context.Context) error {
				if err := pause(ctx, 6*time.Second); err != nil {
					return err
				}
				if n++; n < met {
					return errors.New("not yet")
				}
				return nil
			}
		}
		d := Deadline{Name: "seen", Within: 10 * time.Second, MinAttempts: 3}
		out, err := Until(t.Context(), d, time.Second, slow(3))
		require.NoError(t, err)
		assert.Equal(t, 3, out.Attempts)
		assert.Equal(t, 20*time.Second, out.Took)

		out, err = Until(t.Context(), d, time.Second, slow(4))
		require.ErrorIs(t, err, ErrExpired)
		assert.Equal(t, 3, out.Attempts)
		assert.ErrorContains(t, err, "not yet")

		hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		out, err = Until(t.Context(), d, time.Second, hangs)
		require.ErrorIs(t, err, ErrExpired)
		assert.Equal(t, 40*time.Second, out.Took, "the hard limit is four times the budget")
	})
}
