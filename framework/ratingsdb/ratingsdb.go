// Package ratingsdb fills and changes the database of bookinfo's ratings-v2, as the
// database's administrator.
package ratingsdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Where Istio's sample application ratings-v2 looks.
const (
	Database   = "test"
	Collection = "ratings"
)

// Reader is the user that may read, and nothing else where the server knows roles.
type Reader struct{ Username, Password string }

// ErrForeign is wrapped by the error about a database with documents that are not ours.
var ErrForeign = errors.New("holds documents that meshgate has not written")

// idPrefix marks the documents of meshgate and keeps their order.
const idPrefix = "meshgate-"

// OneStarEach is what Prepare writes, as a mongodb probe reads it: each reviewer gives one
// star (docs/spec/mongo-ingress.md#ratingsfrommongo).
const OneStarEach = `[{"rating":1},{"rating":1}]`

// initial is the rating that each of the two reviewers gives at first.
const initial = 1

// userExists is the error code of createUser for an existing user.
const userExists = 51003

// notImplemented is the error code of a server without roles, such as FerretDB.
const notImplemented = 238

// Prepare creates the two ratings of one star and the reader. It may be repeated. It refuses
// a database with other documents and does not change it.
func Prepare(ctx context.Context, db *mongo.Database, reader Reader) error {
	have, err := ids(ctx, db)
	if err != nil {
		return err
	}
	if err := ours(have); err != nil {
		return fmt.Errorf("database %s: collection %s %w", db.Name(), Collection, err)
	}
	if err := Rate(ctx, db, initial); err != nil {
		return err
	}
	return createReader(ctx, db, reader)
}

func ids(ctx context.Context, db *mongo.Database) ([]any, error) {
	cursor, err := db.Collection(Collection).Find(ctx, bson.D{}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, fmt.Errorf("read database %s: %w", db.Name(), err)
	}
	var docs []struct {
		ID any `bson:"_id"`
	}
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, fmt.Errorf("read database %s: %w", db.Name(), err)
	}
	var all []any
	for _, d := range docs {
		all = append(all, d.ID)
	}
	return all, nil
}

// ours is nil when every document was written by Rate.
func ours(ids []any) error {
	for _, id := range ids {
		if s, ok := id.(string); !ok || !strings.HasPrefix(s, idPrefix) {
			return fmt.Errorf("%w, such as the one with _id %v: it is left alone; give the run a database of its own", ErrForeign, id)
		}
	}
	return nil
}

// Rate sets the rating of both reviewers.
func Rate(ctx context.Context, db *mongo.Database, stars int) error {
	for _, id := range []string{idPrefix + "1", idPrefix + "2"} {
		_, err := db.Collection(Collection).ReplaceOne(ctx, bson.D{{Key: "_id", Value: id}},
			bson.D{{Key: "_id", Value: id}, {Key: "rating", Value: stars}}, options.Replace().SetUpsert(true))
		if err != nil {
			return fmt.Errorf("write a rating of %d into database %s: %w", stars, db.Name(), err)
		}
	}
	return nil
}

func createReader(ctx context.Context, db *mongo.Database, r Reader) error {
	role := bson.A{bson.D{{Key: "role", Value: "read"}, {Key: "db", Value: db.Name()}}}
	err := createUser(ctx, db, r, role)
	if hasCode(err, notImplemented) {
		err = createUser(ctx, db, r, bson.A{})
	}
	if err != nil && !hasCode(err, userExists) {
		return fmt.Errorf("create user %s in database %s: %w", r.Username, db.Name(), err)
	}
	return nil
}

func createUser(ctx context.Context, db *mongo.Database, r Reader, roles bson.A) error {
	return db.RunCommand(ctx, bson.D{{Key: "createUser", Value: r.Username}, {Key: "pwd", Value: r.Password}, {Key: "roles", Value: roles}}).Err()
}

func hasCode(err error, code int) bool {
	var known mongo.ServerError
	return errors.As(err, &known) && known.HasErrorCode(code)
}
