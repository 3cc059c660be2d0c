package expect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/accesslog"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
)

func fingerprint(c *pki.Certificate) string {
	sum := sha256.Sum256(c.X509.Raw)
	return hex.EncodeToString(sum[:])
}

func tlsCases(t *testing.T) map[string][]judged {
	t.Helper()
	ca, err := pki.NewCA("expect")
	require.NoError(t, err)
	issue := func(l pki.Leaf) *pki.Certificate {
		c, err := ca.Issue(l)
		require.NoError(t, err)
		return c
	}
	names := []string{"api.test", "www.api.test"}
	mine, other := issue(pki.Leaf{DNSNames: names}), issue(pki.Leaf{DNSNames: names})
	good := secured(mine)
	change := func(f func(*probe.TLSInfo)) probe.Observation { return secured(mine, f) }
	old := change(func(i *probe.TLSInfo) { i.Version, i.ALPN = "1.2", "" })
	untrusted := refused(probe.ClassTLSVerify, probe.PhaseTLS, "")
	untrusted.TLS = &probe.TLSInfo{VerifyCause: probe.VerifyName}
	wrongName := refused(probe.ClassTLSVerify, probe.PhaseTLS, "")
	wrongName.TLS = &probe.TLSInfo{VerifyCause: probe.VerifyUnknownAuthority}
	return map[string][]judged{
		"TLSVersionIs": {
			{TLSVersionIs("1.3"), good, old, `200 ` + url + `: TLS version: want "1.3", got "1.2"`},
			{TLSVersionIs("1.3"), good, answer(), `200 ` + url + `: TLS version: want "1.3", got "no TLS"`}},
		"ALPNIs": {{ALPNIs("h2"), good, old, `200 ` + url + `: ALPN: want "h2", got ""`}},
		"Verified": {
			{Verified(), good, change(func(i *probe.TLSInfo) { i.VerifyError = "x509: expired" }), `200 ` + url + `: certificate verification: want "good", got "x509: expired"`},
			{Verified(), good, answer(), `200 ` + url + `: certificate verification: want "good", got "no TLS"`},
			{Verified(), good, change(func(i *probe.TLSInfo) { i.Peer = nil }), `200 ` + url + `: certificate verification: want "good", got ""`}},
		"PeerIs": {
			{PeerIs(mine), good, secured(other), fmt.Sprintf(`200 %s: certificate serial: want %q, got %q; certificate SHA-256: want %q, got %q`, url, mine.Serial, other.Serial, fingerprint(mine), fingerprint(other))},
			{PeerIs(mine), good, change(func(i *probe.TLSInfo) { i.Peer[0].DNSNames = nil }), `200 ` + url + `: certificate names: want "api.test, www.api.test", got ""`},
			{PeerIs(mine), good, change(func(i *probe.TLSInfo) { i.Peer[0].KeyType = "RSA-2048" }), `200 ` + url + `: certificate key type: want "ECDSA-P-256", got "RSA-2048"`},
			{PeerIs(mine), good, change(func(i *probe.TLSInfo) { i.VerifyError = "x509: unknown authority" }), `200 ` + url + `: certificate verification: want "good", got "x509: unknown authority"`}},
		"ClientRefused": {
			{ClientRefused(probe.VerifyName), untrusted, wrongName, `tls-verify in tls ` + url + `: verification cause: want "name", got "unknown-authority"`},
			{ClientRefused(probe.VerifyName), untrusted, good, `200 ` + url + `: failure: want "tls-verify", got "200"; verification cause: want "name", got "200"`}},
	}
}

func TestEveryCheckPassesTheGoodAndRefusesTheBad(t *testing.T) {
	for name, list := range cases(t) {
		for i, c := range list {
			t.Run(fmt.Sprintf("%s/%d", name, i+1), func(t *testing.T) {
				require.NoError(t, c.check.Judge(c.good))
				err := c.check.Judge(c.bad)
				assert.EqualError(t, err, c.refusal)
				assert.NotEmpty(t, Mismatches(err), "the report needs field, want and got")
				for _, m := range Mismatches(err) {
					assert.Contains(t, c.check.Fields(), m.Field, "a check declares every field that it can find wrong")
				}
			})
		}
	}
}

// No check may refuse by panicking, or pass, what holds nothing at all.
func TestNoCheckPassesAnEmptyObservation(t *testing.T) {
	for name, list := range cases(t) {
		for _, c := range list {
			err := c.check.Judge(probe.Observation{})
			switch name {
			case "Answered", "NoHeader", "NoLocation", "NoCORS":
				continue // they say what must be absent; the checks beside them ask for an answer
			}
			assert.Error(t, err, name)
		}
	}
}

func TestEveryExportedCheckIsInTheTables(t *testing.T) {
	tested := map[string]bool{"Line": true}
	for name := range cases(t) {
		tested[name] = true
	}
	for name := range lineCases() {
		tested[name] = true
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, f := range exportedChecks(file) {
			found++
			assert.True(t, tested[f], "%s has no case that must fail", f)
		}
	}
	assert.Greater(t, found, 40)
}

// exportedChecks lists the functions of a file that make a Check or a LineCheck, but for
// those that make one of the caller's own.
func exportedChecks(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !f.Name.IsExported() || f.Type.Results == nil {
			continue
		}
		if result, ok := f.Type.Results.List[0].Type.(*ast.Ident); ok && (result.Name == "Check" || result.Name == "LineCheck") && f.Name.Name != "CheckOf" && f.Name.Name != "LineCheckOf" {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

func TestAnAssertionThatCouldNotFailIsRefused(t *testing.T) {
	assert.ErrorIs(t, All().Judge(answer()), errNoChecks)
	assert.ErrorIs(t, Check{}.Judge(answer()), errNoChecks)
	assert.ErrorIs(t, LineCheck{}.Judge(accesslog.Line{}), errNoChecks)
	assert.ErrorIs(t, Line().Judge(accesslog.Line{}), errNoChecks)
	assert.ErrorIs(t, ExactlyOne(nil), errNoChecks)
	assert.ErrorIs(t, NoneOf(nil), errNoChecks)
	assert.ErrorIs(t, FailedWith().Judge(answer()), errNoChecks)
	assert.ErrorIs(t, AlertIs().Judge(answer()), errNoChecks)
	assert.Error(t, PeerIs(&pki.Certificate{}).Judge(answer()), "a certificate that was never issued matches none")
	assert.Error(t, PeerIs(nil).Judge(answer()))
}

func TestStarsAreNotGuessed(t *testing.T) {
	html := answer(withBody(page))
	assert.ErrorContains(t, Stars("Reviewer1", 2).Judge(html), `want "2", got "1"`)
	assert.ErrorContains(t, Stars("Reviewer2", 0).Judge(html), `want "0", got "no rating"`)
	assert.ErrorContains(t, StarColor("Reviewer2", "").Judge(html), `got "no rating"`)
}

func TestNestedAllSaysWhatWasObservedOnce(t *testing.T) {
	own := errors.New("a check of one's own")
	check := All(All(Status(200), FromGateway()), CheckOf(nil, func(probe.Observation) error { return own }))
	err := check.Judge(answer(status(500), func(o *probe.Observation) { o.Request.Method = "POST"; o.Request.Via = "ns/pod/app" }))
	assert.EqualError(t, err, `500 POST `+url+` from ns/pod/app: status: want "200", got "500"; made by: want "the gateway itself", got "an upstream"; a check of one's own`)
	assert.ErrorIs(t, err, own)
	assert.Len(t, Mismatches(err), 2)
	assert.Nil(t, Mismatches(own))
	assert.Nil(t, Mismatches(nil))
	assert.Len(t, Mismatches(fmt.Errorf("step: %w", err)), 2)
}

func TestLongBodiesAreClipped(t *testing.T) {
	err := BodyContains("x").Judge(answer(withBody(strings.Repeat("é", 5000))))
	assert.ErrorContains(t, err, "… (10000 bytes)")
	assert.Less(t, len(err.Error()), 600)
	assert.Len(t, Mismatches(err)[0].Got, 10000, "the report has all of it")
}

func TestAConnectionWithoutHTTPIsDescribed(t *testing.T) {
	o := probe.Observation{Request: probe.RequestSummary{Kind: probe.KindTCP, URL: "tcp://db:27017"}}
	assert.EqualError(t, Status(200).Judge(o), `connected tcp://db:27017: status: want "200", got "connected"`)
}

func TestChecksAllocateLittle(t *testing.T) {
	o := answer()
	check := All(Status(200), Header("Server", "istio-envoy"), FromApp())
	allocs := testing.AllocsPerRun(100, func() {
		if check.Judge(o) != nil {
			t.Error("refused")
		}
	})
	assert.LessOrEqual(t, allocs, 40.0)
}
