// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	stampFormat = "20060102T150405Z"
	maxSkew     = 15 * time.Minute

	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// Credentials are what S3 requests are signed with.
type Credentials struct {
	AccessKey string
	SecretKey string
}

// sign signs a request as AWS documents it ("Signature Version 4"): its host, its
// type, its sum and everything of x-amz.
func sign(r *http.Request, credentials Credentials, region, payload string, now time.Time) {
	stamp := now.UTC().Format(stampFormat)
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	signed := []string{"host"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") || lower == "content-type" || lower == "content-md5" {
			signed = append(signed, lower)
		}
	}
	slices.Sort(signed)
	scope := []string{stamp[:8], region, "s3", "aws4_request"}
	r.Header.Set("Authorization", algorithm+" Credential="+credentials.AccessKey+"/"+strings.Join(scope, "/")+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+signature(credentials.SecretKey, scope, stamp, canonical(r, r.URL.Query(), signed)))
}

// verify checks the signature of a client's request, whose query was parsed
// already. The client may name any region.
func verify(r *http.Request, query url.Values, credentials Credentials, now time.Time) *failure {
	denied := func(message string) *failure { return refuse(http.StatusForbidden, "AccessDenied", "%s", message) }
	if query.Has("X-Amz-Signature") || query.Has("Signature") {
		return denied("presigned addresses are not supported: sign in the Authorization header")
	}
	fields, found := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !found {
		return denied("the request is not signed with " + algorithm + " in the Authorization header")
	}
	values := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	credential := strings.Split(values["Credential"], "/")
	stamp := r.Header.Get("X-Amz-Date")
	when, err := time.Parse(stampFormat, stamp)
	if err != nil || len(credential) < 5 {
		return denied("the request lacks a date in X-Amz-Date or a whole Credential")
	}
	accessKey, scope := strings.Join(credential[:len(credential)-4], "/"), credential[len(credential)-4:]
	if scope[0] != stamp[:8] || scope[2] != "s3" || scope[3] != "aws4_request" {
		return denied("the Credential is not for s3 on the day of X-Amz-Date")
	}
	if skew := now.Sub(when).Abs(); skew > maxSkew {
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed",
			"the request is dated %s, here it is %s: set the clocks", stamp, now.UTC().Format(stampFormat))
	}
	signed := strings.Split(values["SignedHeaders"], ";")
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return denied("the header " + lower + " is not signed")
		}
	}
	if !slices.Contains(signed, "host") || r.Header.Get("X-Amz-Content-Sha256") == "" {
		return denied("the request lacks X-Amz-Content-Sha256, or its host is not signed")
	}
	if subtle.ConstantTimeCompare([]byte(accessKey), []byte(credentials.AccessKey)) != 1 {
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "the gateway does not know this access key")
	}
	expected := signature(credentials.SecretKey, scope, stamp, canonical(r, query, signed))
	if subtle.ConstantTimeCompare([]byte(values["Signature"]), []byte(expected)) != 1 {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "the signature is not what this request and the secret key give")
	}
	return nil
}

func signature(secret string, scope []string, stamp, canonical string) string {
	key := []byte("AWS4" + secret)
	for _, step := range scope {
		key = authenticate(key, step)
	}
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, stamp, strings.Join(scope, "/"), hex.EncodeToString(sum[:])}, "\n")
	return hex.EncodeToString(authenticate(key, text))
}

func authenticate(key []byte, text string) []byte {
	code := hmac.New(sha256.New, key)
	code.Write([]byte(text))
	return code.Sum(nil)
}

// canonical is the canonical request of AWS.
func canonical(r *http.Request, query url.Values, signed []string) string {
	lines := []string{r.Method, canonicalPath(r.URL.Path), canonicalQuery(query)}
	for _, name := range signed {
		lines = append(lines, name+":"+canonicalHeader(r, name))
	}
	lines = append(lines, "", strings.Join(signed, ";"), r.Header.Get("X-Amz-Content-Sha256"))
	return strings.Join(lines, "\n")
}

func canonicalHeader(r *http.Request, name string) string {
	values := slices.Clone(r.Header.Values(name))
	switch {
	case name == "host":
		values = []string{r.Host}
	case name == "content-length" && len(values) == 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	for index, value := range values {
		values[index] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(values, ",")
}

// canonicalPath is also how paths are sent, so that what is signed is what is sent.
func canonicalPath(path string) string {
	return strings.ReplaceAll(canonicalText(path), "%2F", "/")
}

func canonicalQuery(query url.Values) string {
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

func canonicalText(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
