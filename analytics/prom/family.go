package prom

import "github.com/prometheus/client_golang/prometheus"

// mostValues is how many values of a label a family tells apart.
const mostValues = 200

// A Number is what counts are made of.
type Number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// A Family is one metric that is read from a T, the counts of one moment. It is plain: several registries
// may have it.
type Family[T any] struct {
	desc    *prometheus.Desc
	collect func(v *T, names *few[string], to chan<- prometheus.Metric)
}

// Counter makes a family of one series, whose value never falls.
func Counter[T any, N Number](name, help string, value func(*T) N) Family[T] {
	return single(name, help, prometheus.CounterValue, value)
}

// Gauge makes a family of one series.
func Gauge[T any, N Number](name, help string, value func(*T) N) Family[T] {
	return single(name, help, prometheus.GaugeValue, value)
}

func single[T any, N Number](name, help string, kind prometheus.ValueType, value func(*T) N) Family[T] {
	desc := prometheus.NewDesc(name, help, nil, nil)
	return Family[T]{desc, func(v *T, _ *few[string], to chan<- prometheus.Metric) {
		to <- prometheus.MustNewConstMetric(desc, kind, float64(value(v)))
	}}
}

// CounterBy makes a family with one label, of values that never fall: those of more than 200 names are
// summed up as `other`.
func CounterBy[T any, N Number](name, help, label string, values func(*T) map[string]N) Family[T] {
	return labelled(prometheus.NewDesc(name, help, []string{label}, nil), prometheus.CounterValue, values)
}

// GaugeBy is CounterBy for values that may fall.
func GaugeBy[T any, N Number](name, help, label string, values func(*T) map[string]N) Family[T] {
	return labelled(prometheus.NewDesc(name, help, []string{label}, nil), prometheus.GaugeValue, values)
}

func labelled[T any, N Number](desc *prometheus.Desc, kind prometheus.ValueType, values func(*T) map[string]N) Family[T] {
	return Family[T]{desc, func(v *T, names *few[string], to chan<- prometheus.Metric) {
		sums := make(map[string]float64)
		for name, n := range values(v) {
			sums[named(names, name)] += float64(n)
		}
		for name, n := range sums {
			to <- prometheus.MustNewConstMetric(desc, kind, n, name)
		}
	}}
}

// Export adds families that are read from what read returns, which is called once for each scrape. It
// panics if p has a family of the same name already.
func Export[T any](p *Registry, read func() T, families ...Family[T]) {
	s := &source[T]{read: read, families: families}
	for range families {
		s.names = append(s.names, newFew[string](mostValues))
	}
	p.all.MustRegister(s)
}

// A source is the prometheus.Collector of families that are read at once.
type source[T any] struct {
	read     func() T
	families []Family[T]
	names    []*few[string] // that each family tells apart
}

func (s *source[T]) Describe(to chan<- *prometheus.Desc) {
	for _, f := range s.families {
		to <- f.desc
	}
}

func (s *source[T]) Collect(to chan<- prometheus.Metric) {
	v := s.read()
	for i, f := range s.families {
		f.collect(&v, s.names[i], to)
	}
}
