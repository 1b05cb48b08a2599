-- What one consumer has had is read without what others had: seconds, too, and endings.

-- +goose Up
DROP INDEX rollup_point_by_series;
CREATE INDEX rollup_point_by_series ON rollup_point (series, step, at);
CREATE INDEX rollup_ending_by_series ON rollup_ending (series, step, at);
CREATE INDEX rollup_series_by_consumer ON rollup_series (consumer);

-- +goose Down
DROP INDEX rollup_series_by_consumer;
DROP INDEX rollup_ending_by_series;
DROP INDEX rollup_point_by_series;
CREATE INDEX rollup_point_by_series ON rollup_point (series, step, at) WHERE step > 1;
