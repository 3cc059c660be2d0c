package runner

import (
	"errors"
	"io"
	"reflect"
	"regexp"
	"testing"
	"time"
)

// runTests runs tests the way `go test` does, but without its cache: the machinery
// below writes no test log, so that a result of yesterday's mesh is never reused.
func runTests(tests []testing.InternalTest) {
	testing.MainStart(machinery{}, tests, nil, nil, nil).Run()
}

// machinery is what package testing wants from `go test`: the matching of names
// for -run, and nothing of profiles, fuzzing and coverage.
type machinery struct{}

var errNotHere = errors.New("suites know neither profiles nor fuzzing")

func (machinery) MatchString(pattern, s string) (bool, error) { return regexp.MatchString(pattern, s) }

func (machinery) ImportPath() string                          { return "" }
func (machinery) ModulePath() string                          { return "" }
func (machinery) SetPanicOnExit0(bool)                        {}
func (machinery) StartCPUProfile(io.Writer) error             { return errNotHere }
func (machinery) StopCPUProfile()                             {}
func (machinery) StartTestLog(io.Writer)                      {}
func (machinery) StopTestLog() error                          { return nil }
func (machinery) WriteProfileTo(string, io.Writer, int) error { return errNotHere }
func (machinery) ResetCoverage()                              {}
func (machinery) SnapshotCoverage()                           {}
func (machinery) CheckCorpus([]any, []reflect.Type) error     { return errNotHere }
func (machinery) RunFuzzWorker(func(corpusEntry) error) error { return errNotHere }
func (machinery) ReadCorpus(string, []reflect.Type) ([]corpusEntry, error) {
	return nil, errNotHere
}

func (machinery) CoordinateFuzzing(time.Duration, int64, time.Duration, int64, int, []corpusEntry, []reflect.Type, string, string) error {
	return errNotHere
}

func (machinery) InitRuntimeCoverage() (string, func(string, string) (string, error), func() float64) {
	return "", nil, nil
}

// corpusEntry has the shape that package testing gives to a fuzzing input.
type corpusEntry = struct {
	Parent     string
	Path       string
	Data       []byte
	Values     []any
	Generation int
	IsSeed     bool
}
