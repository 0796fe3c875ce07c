package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
)

// greeting is the one request that needs no token: the answer shows that the agent knows it, so that a client does not
// take whoever has the port by now for the agent. Where there is no token it is not needed.
const greeting = "hello"

// hello answers a greeting.
type hello struct {
	Proof []byte `json:"proof"`
}

// proof is what only those who know the token can make of nonce.
func proof(token, nonce string) []byte {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte(nonce))
	return h.Sum(nil)
}

// protect lets only those requests through to inner that show the token, where there is one.
func (s *Server) protect(inner http.Handler) http.Handler {
	token := s.endpoint.token
	if token == "" {
		return inner
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == prefix+greeting && r.ContentLength == 0 {
			write(w, http.StatusOK, hello{proof(token, r.URL.Query().Get("nonce"))})
			return
		}
		if !same(r.Header.Get("Authorization"), bearer(token)) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuseBody(w, http.StatusUnauthorized, errors.New("the token is missing or wrong"))
			return
		}
		inner.ServeHTTP(w, r)
	})
}

func bearer(token string) string { return "Bearer " + token }

func same(x, y string) bool { return subtle.ConstantTimeCompare([]byte(x), []byte(y)) == 1 }
