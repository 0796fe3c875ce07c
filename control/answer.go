package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// prefix begins the path of every request.
const prefix = "/api/v1/"

// fault is the body of an answer that is an error.
type fault struct {
	Error    string `json:"error"`
	ErrorB64 []byte `json:"error_b64,omitempty"` // where the text is not UTF-8, as it may quote a path
	Refusal  string `json:"refusal,omitempty"`   // of a command: see Refusal
}

// errBadRequest is in the errors for which the request is to blame.
var errBadRequest = errors.New("bad request")

// errStopping is the answer to a request that the end of the agent has cut off.
var errStopping = errors.New("the agent is stopping")

// call asks an API for what the parameters of a request say.
type call func(ctx context.Context, query url.Values) (any, error)

// calls returns what can be asked of a, by the last element of the request's path.
func calls(a API) map[string]call {
	return map[string]call{
		"status": func(ctx context.Context, query url.Values) (any, error) {
			if err := only(query); err != nil {
				return nil, err
			}
			return a.Status(ctx)
		},
		"history": func(ctx context.Context, query url.Values) (any, error) {
			q, err := parseHistory(query)
			if err != nil {
				return nil, err
			}
			if q.Limit == 0 && !q.Failed {
				return longHistory(ctx, a, q)
			}
			return a.History(ctx, q)
		},
		"explain": func(ctx context.Context, query url.Values) (any, error) {
			name, err := parseExplain(query)
			if err != nil {
				return nil, err
			}
			return a.Explain(ctx, name)
		},
		"plan": func(ctx context.Context, query url.Values) (any, error) {
			if err := only(query); err != nil {
				return nil, err
			}
			return a.Plan(ctx)
		},
	}
}

// serveAPI answers requests from a in JSON.
func serveAPI(a API) http.Handler {
	known := calls(a)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, prefix)
		ask := known[name]
		switch {
		case ok && name == commands:
			serveCommand(w, r, a)
		case !ok || ask == nil:
			refuseBody(w, http.StatusNotFound, fmt.Errorf("%s: no such request", r.URL.Path))
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", http.MethodGet)
			refuseBody(w, http.StatusMethodNotAllowed, fmt.Errorf("%s %s: only GET is allowed", r.Method, r.URL.Path))
		case r.ContentLength != 0:
			refuseBody(w, http.StatusRequestEntityTooLarge, fmt.Errorf("GET %s: a request has no body", r.URL.Path))
		default:
			answer(w, r, ask)
		}
	})
}

func answer(w http.ResponseWriter, r *http.Request, ask call) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("GET %s: %w", r.URL.Path, err))
		return
	}
	result, err := ask(r.Context(), query)
	conclude(w, r, result, err)
}

// conclude answers with a result, or with the error in its place.
func conclude(w http.ResponseWriter, r *http.Request, result any, err error) {
	if err != nil {
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
			err = errStopping // or the client has gone, and nobody reads this
		}
		refuse(w, statusOf(err), err)
		return
	}
	if long, is := result.(*history); is {
		long.serve(w, r)
		return
	}
	write(w, http.StatusOK, result)
}

// statusOf is for programs that know HTTP and not the texts.
func statusOf(err error) int {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal.status()
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, errStopping):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// refuseBody refuses a request that may have a body, and ends the connection, so that nobody waits for the body.
func refuseBody(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second)) // fails on a dead connection
	refuse(w, status, err)
}

func refuse(w http.ResponseWriter, status int, err error) {
	f := fault{Error: err.Error(), Refusal: kindOf(err)}
	if !utf8.ValidString(f.Error) {
		f.ErrorB64 = []byte(f.Error)
	}
	write(w, status, f)
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin)) // fails on a dead connection
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client has gone: there is nobody to tell
}
