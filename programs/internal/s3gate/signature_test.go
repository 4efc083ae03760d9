// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

var published = Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// parsed is a request as the server reads it from the wire.
func parsed(t *testing.T, lines ...string) *http.Request {
	t.Helper()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// The examples of AWS's documentation, "Signature Calculations for the
// Authorization Header: Transferring Payload in a Single Chunk".
func TestPublishedSignatures(t *testing.T) {
	const scope = " Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	for first, test := range map[string]struct {
		signature string
		payload   string
		headers   []string
	}{
		"GET /test.txt": {"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", empty, []string{"Range: bytes=0-9"}},
		"PUT /test%24file.text": {"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			[]string{"Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class: REDUCED_REDUNDANCY"}},
		"GET /?lifecycle":           {"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", empty, nil},
		"GET /?max-keys=2&prefix=J": {"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", empty, nil},
		"GET /?prefix=J&max-keys=2": {"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", empty, nil},
		"PUT /test$file.text":       {"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", []string{"Date:  Fri, 24  May 2013 00:00:00 GMT ", "x-amz-storage-class: REDUCED_REDUNDANCY"}},
	} {
		names := []string{"host", "x-amz-content-sha256", "x-amz-date"}
		switch {
		case strings.HasPrefix(first, "PUT"):
			names = []string{"date", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-storage-class"}
		case test.headers != nil:
			names = []string{"host", "range", "x-amz-content-sha256", "x-amz-date"}
		}
		for _, comma := range []string{",", ", "} {
			request := parsed(t, append([]string{
				first + " HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "x-amz-date: 20130524T000000Z", "x-amz-content-sha256: " + test.payload,
				"Authorization: " + algorithm + scope + comma[1:] + "SignedHeaders=" + strings.Join(names, ";") + comma + "Signature=" + test.signature,
			}, test.headers...)...)
			now := time.Date(2013, 5, 24, 0, 14, 59, 0, time.UTC)
			if failed := verify(request, request.URL.Query(), published, now); failed != nil {
				t.Errorf("%s: %v", first, failed)
			}
			if failed := verify(request, request.URL.Query(), published, now.Add(2*time.Second)); failed == nil || failed.code != "RequestTimeTooSkewed" {
				t.Errorf("%s, too late: %v", first, failed)
			}
		}
	}
}

func TestEveryChangeBreaksTheSignature(t *testing.T) {
	now := time.Now()
	for change, do := range map[string]func(*http.Request){
		"method":        func(r *http.Request) { r.Method = "GET" },
		"path":          func(r *http.Request) { r.URL.Path = "/b/k2" },
		"query":         func(r *http.Request) { r.URL.RawQuery = "partNumber=2" },
		"host":          func(r *http.Request) { r.Host = "other" },
		"signed header": func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") },
		"more of x-amz": func(r *http.Request) { r.Header.Set("X-Amz-Meta-B", "2") },
		"payload":       func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", empty) },
		"date":          func(r *http.Request) { r.Header.Set("X-Amz-Date", now.Add(time.Minute).UTC().Format(stampFormat)) },
		"no signature":  func(r *http.Request) { r.Header.Del("Authorization") },
		"no payload":    func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") },
		"presigned":     func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" },
		"cut": func(r *http.Request) {
			text := r.Header.Get("Authorization")
			r.Header.Set("Authorization", text[:len(text)-1])
		},
		"nothing in it": func(r *http.Request) { r.Header.Set("Authorization", algorithm+" x") },
		"other day": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), now.UTC().Format("20060102"), "20200101", 1))
		},
	} {
		request := parsed(t, "PUT /b/k?partNumber=1 HTTP/1.1", "Host: gateway:8443", "x-amz-meta-a: 1")
		sign(request, published, "anywhere", unsignedPayload, now)
		if failed := verify(request, request.URL.Query(), published, now); failed != nil {
			t.Fatal(failed)
		}
		do(request)
		if failed := verify(request, request.URL.Query(), published, now); failed == nil || failed.status != http.StatusForbidden {
			t.Errorf("%s: %v", change, failed)
		}
	}
}

// What boto3 1.26.27 signed on 2 January 2026, with everything in names, metadata
// and queries that signers treat in their own ways.
func TestSignaturesOfBoto3(t *testing.T) {
	const scope = algorithm + " Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-central-1/s3/aws4_request, SignedHeaders="
	for _, lines := range [][]string{
		{
			`PUT /b/server/wals/0000%20%2B~%28%C3%BC%29%24%26%3D%40%3A%2C%3B%21%2A%27/x.gz HTTP/1.1`,
			"x-amz-meta-a: x  y", "x-amz-tagging: a=b&c=d", "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==", "Expect: 100-continue",
			"X-Amz-Content-SHA256: UNSIGNED-PAYLOAD", "Content-Length: 5",
			"Authorization: " + scope + "content-md5;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-tagging, Signature=115ad76e93f0bbe7933a526fdd1052d0a7dbe97838db8b604cab3828761ab5c0",
		},
		{
			"GET /b?list-type=2&prefix=a%20b%2F%C3%BC%2B~&delimiter=%2F&encoding-type=url HTTP/1.1",
			"X-Amz-Content-SHA256: " + empty,
			"Authorization: " + scope + "host;x-amz-content-sha256;x-amz-date, Signature=c087fffdf79953f81064d341f884373b3e662505cad3433adc92dd34250b76ab",
		},
		{
			"POST /b/k?uploads HTTP/1.1",
			"X-Amz-Content-SHA256: " + empty, "Content-Length: 0",
			"Authorization: " + scope + "host;x-amz-content-sha256;x-amz-date, Signature=e212695710f7805a1166422c35e88b048cc567f37284bf03bc5f434e18560f00",
		},
		{
			"PUT /b/k?partNumber=3&uploadId=a%2Fb%2Bc%3D%3D HTTP/1.1",
			"Content-MD5: M2MRoBYYQybdvdYe3U7rUg==", "X-Amz-Content-SHA256: UNSIGNED-PAYLOAD", "Content-Length: 10",
			"Authorization: " + scope + "content-md5;host;x-amz-content-sha256;x-amz-date, Signature=ffe634f5c9f4eebc15775e47048a47f1aaec26b55c78d29c4109c9f3a91f7223",
		},
	} {
		request := parsed(t, append(lines, "Host: gateway.example:8443", "X-Amz-Date: 20260102T030405Z")...)
		if failed := verify(request, request.URL.Query(), published, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); failed != nil {
			t.Errorf("%s: %v", lines[0], failed)
		}
	}
}
