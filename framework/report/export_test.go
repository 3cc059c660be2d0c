package report

// Seams for tests of what a caller cannot provoke.
var (
	WriteAtomic  = writeAtomic
	ReserveByKey = reserve
	GoTestKey    = goTestKey
)
