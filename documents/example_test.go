package documents_test

import (
	"fmt"
	"log"

	"github.com/sluice-gateway/sluice/documents"
)

func ExampleLoad() {
	trusted, err := documents.Load("testdata/apollo.json")
	if err != nil {
		log.Fatal(err) // every mistake of the manifest
	}
	text, ok := trusted.Text("sha256:4dfb709830ea846d15b52112bee971c11e3999c96b884a02b280de6e183e174a")
	fmt.Println(text, ok)
	// Output:
	// subscription Price($id: ID!) {
	//   price(product: $id) {
	//     amount
	//   }
	// } true
}
