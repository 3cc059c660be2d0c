package probe

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoOptions are the client's side of kind mongodb, beside the URL's database and
// collection. Without a user name nobody is authenticated.
type MongoOptions struct {
	Username   string `json:"username,omitempty"`
	Password   string `json:"password,omitempty"`
	AuthSource string `json:"authSource,omitempty"` // the URL's database if empty
}

// authenticationFailed is MongoDB's error code of that name.
const authenticationFailed = 18

// mongoAttempt is the probe of kind mongodb: the documents of the URL's collection are
// read once, in the order of their IDs, by connections that nobody else has.
func mongoAttempt(ctx context.Context, r Request) Observation {
	m, seen := HoldMongo(ctx, r)
	if m == nil {
		return seen
	}
	defer m.Close()
	return m.Find(ctx)
}

// Mongo is a client of the official driver that is connected and authenticated. Of the
// driver's own means against a broken path none is used: no retries, one connection
// beside the one by which the driver watches the server.
type Mongo struct {
	plan   plan
	client *mongo.Client
	lines  *mongoLines
	server string
}

// HoldMongo connects and authenticates. The Mongo is nil if that failed; otherwise the
// caller closes it.
func HoldMongo(ctx context.Context, r Request) (*Mongo, Observation) {
	began := time.Now()
	p, err := newPlan(r)
	if err == nil && p.Kind != KindMongoDB {
		err = fmt.Errorf("kind %q: want %q", p.Kind, KindMongoDB)
	}
	m := &Mongo{plan: p, lines: newMongoLines(r)}
	if err != nil {
		return nil, m.observation(began, &Failure{Class: ClassRequest, Phase: PhaseRequest, Message: err.Error()})
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if failure := m.connect(ctx); failure != nil {
		seen := m.observation(began, failure)
		m.Close()
		return nil, seen
	}
	return m, m.observation(began, nil)
}

// connect ends with the first answer of the server, or the first attempt to get one: the
// driver alone would try again until the time is up, and forget why.
func (m *Mongo) connect(ctx context.Context) *Failure {
	whole := ctx
	ctx, lost := context.WithCancelCause(whole)
	defer lost(nil)
	var err error
	m.client, err = mongo.Connect(m.options().SetServerMonitor(&event.ServerMonitor{
		ServerHeartbeatFailed: func(e *event.ServerHeartbeatFailedEvent) {
			if !errors.Is(e.Failure, context.Canceled) { // that is the driver's own, after another failure
				lost(e.Failure)
			}
		},
	}))
	if err != nil {
		return &Failure{Class: ClassRequest, Phase: PhaseRequest, Message: err.Error()}
	}
	var about struct {
		Version  string
		FerretDB string `bson:"ferretdbVersion"`
	}
	err = m.Database().RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&about)
	if why := context.Cause(ctx); err != nil && why != context.Cause(whole) {
		err = why // what the driver was told last, also when the time was up with it
	}
	if err != nil {
		return m.lines.failure(whole, err)
	}
	m.server = "MongoDB " + about.Version
	if about.FerretDB != "" {
		m.server = fmt.Sprintf("FerretDB %s as MongoDB %s", about.FerretDB, about.Version)
	}
	return nil
}

func (m *Mongo) options() *options.ClientOptions {
	p := m.plan
	o := options.Client().SetHosts([]string{net.JoinHostPort(p.host, p.port)}).SetDirect(true).SetDialer(m.lines).
		SetRetryReads(false).SetRetryWrites(false).SetMaxPoolSize(1).SetServerMonitoringMode("poll").
		SetServerSelectionTimeout(p.Timeout).SetConnectTimeout(p.Timeout)
	if p.Mongo.Username != "" {
		o.SetAuth(options.Credential{Username: p.Mongo.Username, Password: p.Mongo.Password, PasswordSet: true,
			AuthSource: p.authSource()})
	}
	return o
}

// database and collection are the URL's path.
func (p plan) database() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.target, "/"), "/")
	return cmp.Or(name, "admin")
}

// authSource is the database that knows the user.
func (p plan) authSource() string { return cmp.Or(p.Mongo.AuthSource, p.database()) }

func (p plan) collection() string {
	_, name, _ := strings.Cut(strings.TrimPrefix(p.target, "/"), "/")
	return name
}

// Server is its product and version, as Observation.Proto has it: "MongoDB 7.0.14".
func (m *Mongo) Server() string { return m.server }

// Database is the URL's, for what is more than a look.
func (m *Mongo) Database() *mongo.Database { return m.client.Database(m.plan.database()) }

// Find reads the URL's collection. The Observation's body is an array of its documents
// as relaxed Extended JSON, without their IDs; without a collection there is none.
func (m *Mongo) Find(ctx context.Context) Observation {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, m.plan.Timeout)
	defer cancel()
	if m.plan.collection() == "" {
		return m.observation(began, nil)
	}
	body, err := m.documents(ctx)
	if err != nil {
		return m.observation(began, m.lines.failure(ctx, err))
	}
	seen := m.observation(began, nil)
	seen.Body = body
	return seen
}

func (m *Mongo) documents(ctx context.Context) (Bytes, error) {
	cursor, err := m.Database().Collection(m.plan.collection()).Find(ctx, bson.D{},
		options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetProjection(bson.D{{Key: "_id", Value: 0}}))
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, d := range docs {
		text, err := bson.MarshalExtJSON(d, false, false)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return Bytes("[" + string(bytes.Join(all, []byte(","))) + "]"), nil
}

// Close ends the client and its connections.
func (m *Mongo) Close() {
	m.lines.hangUp()
	if m.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		defer cancel()
		_ = m.client.Disconnect(ctx) // what was to be seen is seen
	}
}

// closeLimit is for saying goodbye to a server that may be gone.
const closeLimit = time.Second

func (m *Mongo) observation(began time.Time, f *Failure) Observation {
	o := m.lines.latest()
	o.Request, o.RequestID, o.At, o.Proto = m.plan.summary(), m.plan.RequestID, stamp(began), m.server
	o.Failure, o.Timing.Total = f, time.Since(began)
	return o
}

// mongoLines are the connections of a client: dialled, and where the URL says so
// secured, as those of every other probe are.
type mongoLines struct {
	request Request
	open    context.Context // ends with the client: the driver waits for what is being dialled
	hangUp  context.CancelFunc

	mu     sync.Mutex
	seen   Observation
	wire   *wire
	opened []string
}

func newMongoLines(r Request) *mongoLines {
	l := &mongoLines{request: r}
	l.open, l.hangUp = context.WithCancel(context.Background())
	return l
}

// DialContext implements the driver's dialer. The driver's own address is not looked at:
// it is the URL's.
func (l *mongoLines) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.open, cancel)()
	s := open(ctx, l.request)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = s.seen
	if s.seen.Failure != nil {
		s.close()
		return nil, &lineError{s.seen.Failure}
	}
	l.opened, l.wire = append(l.opened, s.seen.Local), s.wire
	return s.conn, nil
}

// latest is what the latest connection showed, and how many there were. The one that
// carries what is asked is opened after the one that watches.
func (l *mongoLines) latest() Observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.seen
	o.Connections = append([]string(nil), l.opened...)
	if l.wire != nil {
		o.Wire = l.wire.began()
	}
	return o
}

// lineError is a failure that a connection had before the driver got it.
type lineError struct{ failure *Failure }

func (e *lineError) Error() string { return e.failure.Message }

// failure tells what the driver's error means; the message is the driver's own.
func (l *mongoLines) failure(ctx context.Context, err error) *Failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line *lineError
	var command mongo.CommandError
	switch {
	case errors.As(err, &line):
		f := *line.failure
		f.Message = err.Error()
		return &f
	case errors.As(err, &command) && command.Code == authenticationFailed:
		return &Failure{Class: ClassAuth, Phase: PhaseAuth, Message: err.Error()}
	case errors.As(err, &command):
		return &Failure{Class: ClassOther, Phase: PhaseResponse, Message: err.Error()}
	}
	f := fail(ctx, PhaseResponse, err)
	if l.wire == nil {
		f.Phase = PhaseConnect // the time was up before there was any connection
	}
	return f
}
