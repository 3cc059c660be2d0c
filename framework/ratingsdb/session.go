package ratingsdb

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Cursor reads the ratings one batch at a time. Its connection must stay open as long as the
// cursor is used.
type Cursor struct{ rows *mongo.Cursor }

// OpenCursor opens a cursor on the ratings and reads none.
func OpenCursor(ctx context.Context, db *mongo.Database) (*Cursor, error) {
	rows, err := db.Collection(Collection).Find(ctx, bson.D{}, options.Find().SetBatchSize(1))
	if err != nil {
		return nil, fmt.Errorf("cursor on %s.%s: %w", db.Name(), Collection, err)
	}
	return &Cursor{rows}, nil
}

// Next reads one rating; it fails if there is none.
func (c *Cursor) Next(ctx context.Context) error {
	if c.rows.Next(ctx) {
		return nil
	}
	if err := c.rows.Err(); err != nil {
		return err
	}
	return fmt.Errorf("no more documents in %s", Collection)
}

// journal is where Append writes.
const journal = "journal"

// Append writes one document and returns when the server has acknowledged that it is on disk,
// so that it survives a killed server.
func Append(ctx context.Context, db *mongo.Database, number int) error {
	durable := options.Collection().SetWriteConcern(writeconcern.Journaled())
	_, err := db.Collection(journal, durable).InsertOne(ctx, bson.D{{Key: "number", Value: number}})
	return err
}

// Appended lists the numbers of the written documents in order, including duplicates.
func Appended(ctx context.Context, db *mongo.Database) ([]int, error) {
	cursor, err := db.Collection(journal).Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "number", Value: 1}}))
	if err != nil {
		return nil, err
	}
	var docs []struct{ Number int }
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	var numbers []int
	for _, d := range docs {
		numbers = append(numbers, d.Number)
	}
	return numbers, nil
}
