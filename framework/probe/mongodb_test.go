package probe

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"meshgate/framework/pki"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mongoAt asks for a collection where somebody listens who is no MongoDB; the real one
// is asked in the suites.
func mongoAt(t *testing.T, scheme, address string, change ...func(*Request)) Observation {
	t.Helper()
	r := Request{Kind: KindMongoDB, URL: scheme + "://" + host + ":27018/test/ratings", Connect: address, Timeout: 2 * time.Second,
		Mongo: MongoOptions{Username: "bookinfo", Password: "never to be seen"}}
	for _, c := range change {
		c(&r)
	}
	o := do(t, r)
	if o.Failure != nil {
		assert.NotContains(t, o.Failure.Message, "never to be seen")
	}
	return o
}

func TestMongoFailsAtOnceAndSaysWhy(t *testing.T) {
	ca, err := pki.NewCA("a")
	require.NoError(t, err)
	other, err := pki.NewCA("b")
	require.NoError(t, err)
	leaf, err := ca.Issue(pki.Leaf{DNSNames: []string{host}})
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(leaf.CertPEM, leaf.KeyPEM)
	require.NoError(t, err)
	secure := secureServer(t, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{""}}, respond(200, ""))
	closing := rawServer(t, reading(func([]byte, *net.TCPConn) {}))
	talking := rawServer(t, answering("220 mail.example.com ESMTP\r\n"+strings.Repeat("x", 64)))
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := nobody.Addr().String()
	require.NoError(t, nobody.Close())

	trust := func(ca *pki.CA) func(*Request) { return func(r *Request) { r.TLS.RootsPEM = ca.PEM() } }
	began := time.Now()
	failed(t, mongoAt(t, "mongodb", gone), ClassRefused, PhaseConnect)
	failed(t, mongoAt(t, "mongodb", closing), ClassClosed, PhaseResponse)
	failed(t, mongoAt(t, "mongodb+tls", talking, trust(ca)), ClassTLSNotTLS, PhaseTLS)
	o := mongoAt(t, "mongodb+tls", secure, trust(other))
	failed(t, o, ClassTLSVerify, PhaseTLS)
	assert.Equal(t, VerifyUnknownAuthority, o.TLS.VerifyCause)
	o = mongoAt(t, "mongodb+tls", secure, trust(ca), func(r *Request) { r.TLS.VerifyName = "other.test" })
	failed(t, o, ClassTLSVerify, PhaseTLS)
	assert.Equal(t, VerifyName, o.TLS.VerifyCause)
	assert.Less(t, time.Since(began), 2*time.Second, "the driver alone would try until the time is up")
}

func TestMongoThatNobodyAnswersTimesOutInConnecting(t *testing.T) {
	f := (&mongoLines{}).failure(t.Context(), context.DeadlineExceeded)
	assert.Equal(t, []string{ClassTimeout, PhaseConnect}, []string{f.Class, f.Phase})
}

func TestMongoEndsWithoutWaitingForWhatItDials(t *testing.T) {
	dialled := make(chan bool, 1)
	silent := rawServer(t, func(c *net.TCPConn) { dialled <- true; _, _ = io.Copy(io.Discard, c) })
	l := newMongoLines(Request{Kind: KindMongoDB, URL: "mongodb+tls://" + silent, Timeout: time.Minute})
	ended := make(chan error)
	go func() {
		_, err := l.DialContext(context.WithoutCancel(t.Context()), "", "")
		ended <- err
	}()
	<-dialled
	l.hangUp()
	select {
	case err := <-ended:
		assert.Error(t, err)
	case <-time.After(5 * time.Second):
		t.Fatal("the handshake goes on, though the client has ended")
	}
}

func TestMongoThatIsSilentTimesOutInAnswering(t *testing.T) {
	silent := rawServer(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	o := mongoAt(t, "mongodb", silent, func(r *Request) { r.Timeout = 200 * time.Millisecond })
	failed(t, o, ClassTimeout, PhaseResponse)
	require.NotEmpty(t, o.Connections)
	assert.Equal(t, o.Local, o.Connections[len(o.Connections)-1])
	require.NotNil(t, o.Wire)
	assert.Len(t, o.Wire.Sent, wireBytes)
	assert.Empty(t, o.Wire.Received)
}

func TestAMongoRequestThatIsNotPossibleIsNotSent(t *testing.T) {
	for _, url := range []string{"http://a/b", "mongodb+srv://a/b", "mongodb://"} {
		failed(t, do(t, Request{Kind: KindMongoDB, URL: url}), ClassRequest, PhaseRequest)
	}
	_, o := HoldMongo(t.Context(), Request{Kind: KindTCP, URL: "tcp://a:1"})
	failed(t, o, ClassRequest, PhaseRequest)
}

func TestDatabaseAndCollectionAreTheURLsPath(t *testing.T) {
	for path, want := range map[string][2]string{"/test/ratings": {"test", "ratings"}, "/test": {"test", ""}, "": {"admin", ""}, "/": {"admin", ""}, "/a/b.c": {"a", "b.c"}} {
		p, err := newPlan(Request{Kind: KindMongoDB, URL: "mongodb://db.test" + path})
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{p.database(), p.collection()}, path)
		assert.Equal(t, "27017", p.port)
	}
}
