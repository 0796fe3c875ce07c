package control

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// only returns an error if query has a key that is not known, or a key twice. A filter that is not understood must not
// be taken for none.
func only(query url.Values, known ...string) error {
	for key, values := range query {
		if !slices.Contains(known, key) {
			return fmt.Errorf("%w: %q is not known", errBadRequest, key)
		}
		if len(values) > 1 {
			return fmt.Errorf("%w: %q is given %d times", errBadRequest, key, len(values))
		}
	}
	return nil
}

// values returns the query as parameters of a request, which parseHistory reads.
func (q HistoryQuery) values() url.Values {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Folder != "" {
		v.Set("folder", q.Folder)
	}
	if q.Destination != "" {
		v.Set("destination", q.Destination)
	}
	if q.Path != "" {
		v.Set("path", q.Path)
	}
	if q.Failed {
		v.Set("failed", "true")
	}
	if q.Before != "" {
		v.Set("before", q.Before)
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

func parseHistory(v url.Values) (q HistoryQuery, err error) {
	if err := only(v, "since", "folder", "destination", "path", "failed", "before", "limit"); err != nil {
		return q, err
	}
	q.Folder, q.Destination, q.Path, q.Before = v.Get("folder"), v.Get("destination"), v.Get("path"), v.Get("before")
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return q, fmt.Errorf("%w: since=%q is not a time of RFC 3339", errBadRequest, s)
		}
	}
	if s := v.Get("failed"); s != "" {
		if q.Failed, err = strconv.ParseBool(s); err != nil {
			return q, fmt.Errorf("%w: failed=%q is neither true nor false", errBadRequest, s)
		}
	}
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 0 {
			return q, fmt.Errorf("%w: limit=%q is not a number of deliveries", errBadRequest, s)
		}
	}
	return q, nil
}

// explainValues returns the parameters of a request that parseExplain reads. The path is in base64url without padding:
// it need not be UTF-8.
func explainValues(name string) url.Values {
	return url.Values{"path": {base64.RawURLEncoding.EncodeToString([]byte(name))}}
}

func parseExplain(v url.Values) (name string, err error) {
	if err := only(v, "path"); err != nil {
		return "", err
	}
	b, err := base64.RawURLEncoding.DecodeString(v.Get("path"))
	if err != nil {
		return "", fmt.Errorf("%w: path is not base64url: %w", errBadRequest, err)
	}
	if len(b) == 0 {
		return "", fmt.Errorf("%w: path is missing", errBadRequest)
	}
	return string(b), nil
}
