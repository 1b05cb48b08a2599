package check

import "fmt"

// usage compares what was counted with what arrived.
func (r *run) usage(all []Usage, received map[string]int) {
	if len(all) == 0 {
		return
	}
	counted := make(map[string]bool)
	for _, u := range all {
		n, known := received[u.Client]
		switch {
		case !known:
			r.find(Finding{Kind: Miscounted, Client: u.Client, Detail: "is no client"})
		case counted[u.Client]:
			r.find(Finding{Kind: Miscounted, Client: u.Client, Detail: "is counted twice"})
		case u.Delivered < n || u.Delivered > n+u.Unread:
			r.find(Finding{
				Kind: Miscounted, Client: u.Client,
				Detail: fmt.Sprintf("%d are counted; %d arrived, and %d more may be unread", u.Delivered, n, u.Unread),
			})
		}
		counted[u.Client] = true
	}
	for name := range received {
		if !counted[name] {
			r.find(Finding{Kind: Miscounted, Client: name, Detail: "is not counted"})
		}
	}
}
