package live

// A line is a list of memberships, each in one line at a time. The group's lock guards it.
type line struct {
	first, last *Membership
}

// add puts a membership last.
func (l *line) add(m *Membership) {
	m.in, m.before, m.behind = l, l.last, nil
	if l.last == nil {
		l.first = m
	} else {
		l.last.behind = m
	}
	l.last = m
}

// addFirst puts it first.
func (l *line) addFirst(m *Membership) {
	m.in, m.before, m.behind = l, nil, l.first
	if l.first == nil {
		l.last = m
	} else {
		l.first.before = m
	}
	l.first = m
}

// leave takes a membership out of its line.
func (m *Membership) leave() {
	l := m.in
	if m.before == nil {
		l.first = m.behind
	} else {
		m.before.behind = m.behind
	}
	if m.behind == nil {
		l.last = m.before
	} else {
		m.behind.before = m.before
	}
	m.in, m.before, m.behind = nil, nil, nil
}
