package rollup

import (
	"strings"
	"unique"

	"github.com/sluice-gateway/sluice/analytics"
)

// A handle stands for labels that are in many maps: they are hashed once.
type handle = unique.Handle[analytics.Labels]

// longest is how many bytes of a name are kept: some stand in indexes, and clients choose some.
const longest = 256

// clean makes a name one that every store can keep.
func clean(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "�"), "\x00", "�")
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") // a letter may have been cut in two
	}
	return name
}

func cleanLabels(l analytics.Labels) analytics.Labels {
	for _, name := range []*string{
		&l.Kind, &l.Operation, &l.Document, &l.Field, &l.Topic, &l.Consumer, &l.Issuer, &l.Subject,
		&l.Plan, &l.Transport, &l.Client, &l.Version, &l.Country,
	} {
		*name = clean(*name)
	}
	return l
}

// crowd are the labels under which is added up what has no place of its own: there are as many of these as
// the schema has fields, for each transport.
func crowd(l analytics.Labels) analytics.Labels {
	return analytics.Labels{
		Kind: l.Kind, Field: l.Field, Topic: l.Topic, Transport: l.Transport,
		Operation: analytics.Other, Document: analytics.Other, Consumer: analytics.Other, Client: analytics.Other,
	}
}
