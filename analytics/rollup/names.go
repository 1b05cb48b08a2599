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

// common are labels without what clients choose freely: there are as many of these as the schema has fields
// and the operator has consumers, for each transport.
func common(l analytics.Labels) analytics.Labels {
	l.Operation, l.Document, l.Client = analytics.Other, analytics.Other, analytics.Other
	l.Version, l.Subject, l.Country = "", "", ""
	return l
}

// crowd are labels without consumers, too.
func crowd(l analytics.Labels) analytics.Labels {
	l = common(l)
	l.Consumer, l.Issuer, l.Plan = analytics.Other, "", ""
	return l
}

// names are those under which a series may be added up, from the most particular to the one that always may.
type names struct{ own, common, crowd handle }

func namesOf(l analytics.Labels) names {
	l = cleanLabels(l)
	return names{unique.Make(l), unique.Make(common(l)), unique.Make(crowd(l))}
}
