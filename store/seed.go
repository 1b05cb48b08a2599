package store

import (
	"context"
	_ "embed" // the catalogue
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/internal/database"
)

//go:embed seed/catalogue.json
var catalogueJSON []byte

// A department is one category of the seed: every item is made in every line.
type department struct {
	Category string `json:"category"`
	Lines    []struct {
		Name string `json:"name"`
		Text string `json:"text"`
	} `json:"lines"`
	Items []struct {
		Name string   `json:"name"`
		Euro [2]int64 `json:"euro"` // cheapest and dearest
		Text string   `json:"text"`
	} `json:"items"`
}

const insertProduct = `INSERT INTO products (` + productColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// selectFilled says whether there is a product.
const selectFilled = `SELECT EXISTS (SELECT 1 FROM products)`

// Seed returns the products that an empty database is filled with, always the same ones.
func Seed() []Product {
	var departments []department
	if err := json.Unmarshal(catalogueJSON, &departments); err != nil {
		panic(fmt.Sprintf("store: the embedded catalogue: %v", err)) // a test reads it
	}
	random := rand.New(rand.NewPCG(3, 14))
	day := time.Date(2026, time.January, 1, 8, 0, 0, 0, time.UTC)
	var products []Product
	// Departments innermost: the first ids, those of every example, are then of different kinds.
	for i := range departments[0].Items {
		for l := range departments[0].Lines {
			for _, d := range departments {
				item, line := d.Items[i], d.Lines[l]
				id := len(products) + 1
				products = append(products, Product{
					ID:          strconv.Itoa(id),
					Name:        line.Name + " " + item.Name,
					Description: item.Text + " " + line.Text,
					Category:    d.Category,
					Price:       seedPrice(random, item.Euro),
					Currency:    "EUR",
					Stock:       seedStock(random),
					Revision:    1,
					UpdatedAt:   day.Add(time.Duration(id) * time.Minute),
				})
			}
		}
	}
	return products
}

func seedPrice(random *rand.Rand, euro [2]int64) Decimal {
	endings := []Decimal{0, 50, 90, 95}
	whole := euro[0] + random.Int64N(euro[1]-euro[0]+1)
	return Decimal(whole)*100 + endings[random.IntN(len(endings))]
}

// seedStock leaves one product in twenty sold out.
func seedStock(random *rand.Rand) int32 {
	if random.IntN(20) == 0 {
		return 0
	}
	return 5 + random.Int32N(240)
}

// seed fills a database if it has no product.
func seed(ctx context.Context, db *database.DB) error {
	err := db.Write(ctx, func(t tx) error {
		var filled bool
		err := t.Query(selectFilled, func(r row) error { return r.Scan(&filled) })
		if err != nil || filled {
			return err
		}
		for _, p := range Seed() {
			key, _ := productKey(p.ID)
			err := t.Exec(insertProduct, key, p.Name, p.Description, p.Category, int64(p.Price), p.Currency,
				p.Stock, p.Revision, p.UpdatedAt.UnixMilli())
			if err != nil {
				return fmt.Errorf("product %s: %w", p.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return nil
}
