package main

import (
	"flag"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/jwt"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/store/replication"
	"github.com/sluice-gateway/sluice/transport"
)

// Config is everything that can be set. Each setting has one name: the flag --drain-window is the
// environment variable SLUICE_DRAIN_WINDOW and the key drain-window in the configuration file. A
// flag wins over the environment, the environment over the file, the file over the default.
type Config struct {
	Listen          string
	OperatorListen  string
	TLSCert         string
	TLSKey          string
	TLSClientCA     string
	Redis           string
	Database        string
	DatabaseChanges string
	DatabaseSlot    string
	KeysPepperFile  string
	Demo            bool
	Dev             bool
	Playground      string
	Console         string
	Introspection   bool
	Origins         list
	PartialStatus   bool
	LogFormat       string
	LogLevel        slog.Level
	DrainDelay      time.Duration
	DrainWindow     time.Duration

	Tokens           count
	DocumentSize     size
	Depth            count
	Aliases          count
	RootFields       count
	Directives       count
	Cost             count
	ListSize         count
	Variables        size
	VariableDepth    count
	VariableElements count
	Digits           count
	OperationName    size

	MessageSize     size
	BodySize        size
	EventSize       size
	ResultSize      size
	OutboxEvents    count
	OutboxSize      size
	Operations      count
	RequestTimeout  time.Duration
	ResolverTimeout time.Duration
	WriteTimeout    time.Duration
	InitTimeout     time.Duration
	PingInterval    time.Duration
	PongTimeout     time.Duration
	SessionAge      time.Duration
	Linger          time.Duration

	Sessions            count
	SessionsPerViewer   count
	SessionsPerAddress  count
	SessionRate         rate
	AddressSessionRate  rate
	OperationsPerViewer count
	RequestRate         rate
	AddressRequestRate  rate
	MessageRate         rate
	PingRate            rate
	UncountedAddresses  networks

	Usage           string
	UsageSpool      string
	UsageKeep       retention
	UsageWebhook    string
	UsageSecretFile string
	UsagePrivate    bool

	AuditLog string

	Node             string
	Countries        string
	CountSubjects    bool
	LogOperations    operation.LogKind
	Traffic          string
	TrafficSeconds   retention
	TrafficMinutes   retention
	TrafficHours     retention
	TrafficDays      retention
	TraceEndpoint    string
	TraceHeadersFile string
	TraceSample      float64
	TraceService     string

	LiveThrottle    time.Duration
	LiveMinThrottle time.Duration
	LiveReconcile   time.Duration
	LiveQueries     count
	LiveRuns        count

	BrokerConnections count
	BrokerProbe       time.Duration
	PublishTimeout    time.Duration
	Retain            retains
	CursorKeyFile     string
	SubscribeTimeout  time.Duration

	Recheck        time.Duration
	AuthCookie     string
	AuthParameter  string
	TrustedProxies networks
	Suggestions    bool
	Documents      string
	DocumentsOnly  bool
	PersistedQuery string
	DefaultPlan    string
	AnonymousPlan  string
	TimeZone       zone

	// In the file only, see sections.
	Keys         []auth.Key
	Issuers      []jwt.Issuer
	Certificates []auth.Certificate
	Plans        []*limits.Plan

	file   string                  // the configuration file; empty: none
	reload func() (*Config, error) // reads everything again
}

// flags names and describes every setting and gives it its default.
func (c *Config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("sluice", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), "sluice is a GraphQL subscription gateway. sluice keys manages its API keys, sluice usage reads what\nconsumers have had; sluice keys help and sluice usage help tell how.\n\n"+
			"Every setting is a flag (--drain-window 5s), an environment variable (SLUICE_DRAIN_WINDOW=5s)\n"+
			"and a key of the configuration file (drain-window: 5s); the first of them wins.\n\n")
		f.PrintDefaults()
	}
	f.String("config", "", "YAML `file` with settings, and the sections keys, issuers, certificates, plans and prices")
	f.StringVar(&c.Listen, "listen", "127.0.0.1:8080", "`address` for front ends")
	f.StringVar(&c.OperatorListen, "operator-listen", "127.0.0.1:8081", "`address` for operators: health, stats and pprof, without credentials, and publish; \"off\" for none")
	f.StringVar(&c.TLSCert, "tls-cert", "", "PEM `file` with the certificate chain of --listen")
	f.StringVar(&c.TLSKey, "tls-key", "", "PEM `file` with the key of --tls-cert")
	f.StringVar(&c.TLSClientCA, "tls-client-ca", "", "PEM `file` with the authorities of client certificates, which the file's section certificates maps to consumers; empty: none are asked for")
	f.StringVar(&c.Redis, "redis", "", "`URL` of the broker: redis://, rediss://, redis+sentinel:// or redis+cluster://; empty: events stay in this process")
	f.StringVar(&c.Database, "database", "sluice.db", "where the storefront and API keys are: a SQLite `file`, :memory:, or a postgres:// URL")
	f.StringVar(&c.DatabaseChanges, "database-changes", "auto", "tell subscribers what others change in a postgres:// database: auto (if its wal_level and the role's rights allow it), on or `off`; the same on every node")
	f.StringVar(&c.DatabaseSlot, "database-slot", replication.DefaultName, "`name` of the replication slot and the publication for it: one for all nodes on one Redis, and no other on the database's server")
	f.StringVar(&c.KeysPepperFile, "keys-pepper-file", "", "`file` with a secret that keys the hashes of API keys in the database: its text without spaces around it; empty: none. Another secret makes every such key worthless")
	f.BoolVar(&c.Demo, "demo", false, "change prices and stock a few times a second")
	f.BoolVar(&c.Dev, "dev", false, "for development, on loopback only: prints a key and a token, introspection and suggestions on, drain at once")
	f.StringVar(&c.Playground, "playground", "off", "GraphiQL at /playground and /: `on` or off; on with --dev")
	f.StringVar(&c.Console, "console", "off", "the console for operators and consumers at /console: `on` or off; on with --dev. What it shows needs credentials")
	f.BoolVar(&c.Introspection, "introspection", false, "let clients read the schema, with its directives at /schema.graphql")
	f.BoolVar(&c.Suggestions, "suggestions", false, "let errors name what stands in the schema and not in the document")
	f.Var(&c.Origins, "origins", "`origins` of other pages that may use the gateway, exact: https://shop.example,https://…")
	f.BoolVar(&c.PartialStatus, "partial-status", false, "answer data with errors by HTTP status 294 instead of 200, to clients that take application/graphql-response+json")
	f.StringVar(&c.LogFormat, "log-format", "text", "`format` of the log: text or json")
	f.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "least `level` logged: debug, info, warn or error")
	f.DurationVar(&c.DrainDelay, "drain-delay", 5*time.Second, "not ready, but still serving, for so long before the drain begins: balancers need to notice")
	f.DurationVar(&c.DrainWindow, "drain-window", 20*time.Second, "the sessions' ends are spread over so long")

	f.DurationVar(&c.Recheck, "credentials-recheck", time.Minute, "how often the API keys of open sessions are checked again, should the broker have lost the news")
	f.StringVar(&c.AuthCookie, "auth-cookie", "", "`name` of a cookie that may hold a token, for pages of this host and of --origins; empty: cookies play no part")
	f.StringVar(&c.AuthParameter, "auth-parameter", "", "`name` of a URL parameter that may hold the token of an EventSource; empty: none. Proxies write URLs into their logs")
	f.Var(&c.TrustedProxies, "trusted-proxies", "`networks` whose X-Forwarded-For is believed: 10.0.0.0/8,…")
	f.StringVar(&c.Documents, "documents", "", "`path` of trusted documents: a folder of .graphql files, or a manifest in JSON")
	f.BoolVar(&c.DocumentsOnly, "documents-only", false, "run trusted documents and no others")
	f.StringVar(&c.PersistedQuery, "persisted-queries", "node", "automatic persisted queries: `off`, node (each node remembers its own) or redis (shared)")

	f.StringVar(&c.DefaultPlan, "default-plan", "", "`plan` of consumers who have none; empty: what the schema says")
	f.StringVar(&c.AnonymousPlan, "anonymous-plan", "", "`plan` of anonymous callers; empty: the default plan")
	f.TextVar(&c.TimeZone, "time-zone", zone{time.UTC}, "time `zone` in which days and months of budgets begin, such as Europe/Berlin")

	f.TextVar(&c.Tokens, "max-tokens", count(1000), "`tokens` of a document: validating takes time with their square")
	f.TextVar(&c.DocumentSize, "max-document", size(96<<10), "`bytes` of a document")
	f.TextVar(&c.Depth, "max-depth", count(10), "`levels` that fields may nest, through fragments; what is below __schema and __type does not count")
	f.TextVar(&c.Aliases, "max-aliases", count(30), "`aliases` of an operation, in each place where a fragment is spread")
	f.TextVar(&c.RootFields, "max-root-fields", count(20), "root `fields` of an operation")
	f.TextVar(&c.Directives, "max-directives", count(50), "`directives` of a document")
	f.TextVar(&c.Cost, "max-cost", count(1000), "`cost` of an operation, and of one event of a subscription: the sum of the weights of its fields, see @cost")
	f.TextVar(&c.ListSize, "list-size", count(20), "how many `elements` a list counts for in the cost, where neither first, last nor limit says it")
	f.TextVar(&c.Variables, "max-variables", size(32<<10), "`bytes` of an operation's variables")
	f.TextVar(&c.VariableDepth, "max-variable-depth", count(20), "`levels` that lists and objects may nest in variables")
	f.TextVar(&c.VariableElements, "max-variable-elements", count(1000), "`members` and elements in an operation's variables")
	f.TextVar(&c.Digits, "max-digits", count(64), "`digits` of a number, in variables and documents")
	f.TextVar(&c.OperationName, "max-operation-name", size(128), "`bytes` of an operation's name")
	f.TextVar(&c.MessageSize, "max-message", size(128<<10), "`bytes` of a WebSocket message")
	f.TextVar(&c.BodySize, "max-body", size(256<<10), "`bytes` of an HTTP body")
	f.TextVar(&c.EventSize, "max-event", size(1<<20), "`bytes` of an event that is published over HTTP")
	f.TextVar(&c.ResultSize, "max-result", size(1<<20), "`bytes` of one result")
	f.TextVar(&c.OutboxEvents, "outbox-events", count(256), "`events` that may wait for one session")
	f.TextVar(&c.OutboxSize, "outbox-size", size(1<<20), "`bytes` that may wait for one session")
	f.TextVar(&c.Operations, "max-operations", count(100), "`operations` of one session at a time")
	f.TextVar(&c.Sessions, "max-sessions", count(transport.DefaultSessions()), "`sessions` of this node at a time: 80 % of the descriptors that the process may open")
	f.TextVar(&c.SessionsPerViewer, "max-sessions-per-viewer", count(100), "`sessions` of one end user, or of a consumer that acts for itself, on this node; a plan's sessions take its place")
	f.TextVar(&c.SessionsPerAddress, "max-sessions-per-address", count(200), "`sessions` from one address on this node")
	f.TextVar(&c.SessionRate, "session-rate", rate{PerSecond: 2000, Burst: 10_000}, "`rate` of new sessions of this node: so many a second:burst. Two cores open 9,000 a second, and have other work")
	f.TextVar(&c.AddressSessionRate, "session-rate-per-address", rate{PerSecond: 20, Burst: 40}, "`rate` of new sessions from one address: so many a second:burst")
	f.TextVar(&c.OperationsPerViewer, "max-operations-per-viewer", count(10_000), "`operations` of one viewer at a time on this node; a plan's operations take its place")
	f.TextVar(&c.RequestRate, "request-rate-per-viewer", rate{PerSecond: 1000, Burst: 2000}, "`rate` of operations that one viewer sends, on all nodes: so many a second:burst")
	f.TextVar(&c.AddressRequestRate, "request-rate-per-address", rate{PerSecond: 1000, Burst: 2000}, "`rate` of operations that are sent from one address, on all nodes: so many a second:burst")
	f.TextVar(&c.MessageRate, "message-rate", rate{PerSecond: 50, Burst: 200}, "`rate` of messages of one WebSocket: so many a second:burst; at twice the burst it is closed")
	f.TextVar(&c.PingRate, "ping-rate", rate{PerSecond: 10, Burst: 20}, "`rate` of pings and pongs of one WebSocket: so many a second:burst; then it is closed")
	f.Var(&c.UncountedAddresses, "uncounted-addresses", "`networks` that no limit per address holds for (default 127.0.0.0/8,::1/128), or none: where proxies are that are no --trusted-proxies")
	f.DurationVar(&c.RequestTimeout, "request-timeout", 30*time.Second, "how long a query or mutation may take")
	f.DurationVar(&c.ResolverTimeout, "resolver-timeout", 10*time.Second, "how long the resolvers of one event may take")
	f.DurationVar(&c.WriteTimeout, "write-timeout", 5*time.Second, "how long one write may wait for a client that does not read")
	f.DurationVar(&c.InitTimeout, "init-timeout", 3*time.Second, "how long a client may take to send connection_init")
	f.DurationVar(&c.PingInterval, "ping-interval", 25*time.Second, "time between two pings of a session")
	f.DurationVar(&c.PongTimeout, "pong-timeout", 8*time.Second, "how long after a ping anything must have come back")
	f.DurationVar(&c.SessionAge, "session-age", 2*time.Hour, "when a session is asked to reconnect, ± 10 %")
	f.DurationVar(&c.Linger, "linger", 2*time.Second, "how long a shared execution goes on without members")
	f.StringVar(&c.Usage, "usage", "on", "keep what every consumer has had in the database, for sluice usage: `on` or off")
	f.StringVar(&c.UsageSpool, "usage-spool", "", "`folder` where usage waits while the database is away; empty: beside the SQLite file, or sluice-usage. Each node needs its own where the system has no file locks")
	f.TextVar(&c.UsageKeep, "usage-keep", retention(rollup.Forever), "how `long` usage is kept, such as 9600h, or unlimited")
	f.StringVar(&c.UsageWebhook, "usage-webhook", "", "`URL` that is sent every batch of usage, as CloudEvents; empty: none")
	f.StringVar(&c.UsageSecretFile, "usage-webhook-secret-file", "", "`file` with the secret that signs them: whsec_…")
	f.BoolVar(&c.UsagePrivate, "usage-webhook-private", false, "let the webhook be in a private network")
	f.StringVar(&c.AuditLog, "audit-log", "", "`file` that says who has changed keys and plans, a line of JSON each; empty: they stand in the log")
	f.StringVar(&c.Node, "node", "", "`name` of this process among those on the same Redis: up to 64 letters, digits, _ and -; no two may have the same; empty: the host's name and something random")
	f.StringVar(&c.Countries, "countries", "", "`file` that tells the countries of addresses, in MaxMind's format (.mmdb); empty: they are not told apart")
	f.BoolVar(&c.CountSubjects, "count-subjects", false, "tell the end users of a consumer apart in what is counted")
	f.TextVar(&c.LogOperations, "log-operations", operation.LogStreams, "which `operations` are logged when they have ended: off, streams or all")
	f.StringVar(&c.Traffic, "traffic", "on", "keep what operations have had over time in the database, for the API: `on` or off")
	f.TextVar(&c.TrafficSeconds, "traffic-seconds", retention(time.Hour), "how `long` it is kept by the second, or unlimited")
	f.TextVar(&c.TrafficMinutes, "traffic-minutes", retention(48*time.Hour), "how `long` by the minute")
	f.TextVar(&c.TrafficHours, "traffic-hours", retention(90*24*time.Hour), "how `long` by the hour")
	f.TextVar(&c.TrafficDays, "traffic-days", retention(rollup.Forever), "how `long` by the day")
	f.StringVar(&c.TraceEndpoint, "trace-endpoint", "", "`URL` of an OpenTelemetry collector that speaks OTLP over HTTP, such as http://localhost:4318; empty: nothing is traced")
	f.StringVar(&c.TraceHeadersFile, "trace-headers-file", "", "`file` with headers for it, one on a line: Authorization: Bearer …")
	f.Float64Var(&c.TraceSample, "trace-sample", 0.01, "`part` of the requests and events that is traced, from 0 to 1; callers who are known may ask for more by their traceparent")
	f.StringVar(&c.TraceService, "trace-service", "sluice", "`name` of the service in traces")
	f.DurationVar(&c.LiveThrottle, "live-throttle", time.Second, "least time between two runs of a live query whose client does not say")
	f.DurationVar(&c.LiveMinThrottle, "live-min-throttle", 100*time.Millisecond, "least time between them that a client may ask for")
	f.DurationVar(&c.LiveReconcile, "live-reconcile", 30*time.Second, "when a live query runs although nothing is known to have changed, ± 10 %")
	f.TextVar(&c.LiveQueries, "max-live-queries", count(10_000), "live `queries` of this node; those that are the same count once")
	f.TextVar(&c.LiveRuns, "live-runs", count(16), "how many live `queries` run at a time")
	f.TextVar(&c.BrokerConnections, "broker-connections", count(2), "`connections` to Redis that carry subscriptions")
	f.DurationVar(&c.BrokerProbe, "broker-probe", 10*time.Second, "how often each of them proves that it still delivers")
	f.Var(&c.Retain, "retain", "`topics` whose events are kept, for how long after the latest one, and how many, as in stock.*=10m/500 or price.*=off; the first that names a topic counts before @topic(retain:), and all nodes need the same")
	f.StringVar(&c.CursorKeyFile, "cursor-key-file", "", "`file` with secrets of 16 characters or more, a line each, that sign where clients go on: the first signs, all are believed; empty: made of the settings redis and keys-pepper-file")
	f.DurationVar(&c.PublishTimeout, "publish-timeout", time.Second, "how long publishing one event may take")
	f.DurationVar(&c.SubscribeTimeout, "subscribe-timeout", 5*time.Second, "how long Redis may take to confirm a subscription")
	return f
}

// credentialOptions say where credentials may stand.
func (c *Config) credentialOptions() transport.CredentialOptions {
	return transport.CredentialOptions{Cookie: c.AuthCookie, Parameter: c.AuthParameter, Proxies: c.TrustedProxies}
}
