// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

var clientKeys = Credentials{AccessKey: "client-access", SecretKey: "client-secret"}

// bench is a client, the gateway and a store.
type bench struct {
	t       *testing.T
	store   *memory
	behind  *Store
	address string
	log     *bytes.Buffer
}

func newBench(t *testing.T, fill byte) *bench {
	t.Helper()
	b := &bench{t: t, store: newMemory(t), log: &bytes.Buffer{}}
	behind := httptest.NewServer(b.store)
	t.Cleanup(behind.Close)
	b.behind = storeAt(t, behind.URL)
	b.address = b.gateway(fill)
	return b
}

func storeAt(t *testing.T, address string) *Store {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := Transport(nil)
	t.Cleanup(transport.CloseIdleConnections)
	return &Store{Address: parsed, Region: "us-east-1", Credentials: storeKeys, Transport: transport}
}

// gateway starts one more gateway at the same store and returns its address.
func (b *bench) gateway(fill byte) string {
	b.t.Helper()
	directory := b.t.TempDir()
	text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
	if err := os.WriteFile(filepath.Join(directory, "1.key"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	keys, err := sealed.ReadKeys(directory)
	if err != nil {
		b.t.Fatal(err)
	}
	gateway := httptest.NewServer(&Gateway{
		Keys: keys, Client: clientKeys, Store: b.behind, Log: slog.New(slog.NewJSONHandler(b.log, nil)),
	})
	b.t.Cleanup(gateway.Close)
	return gateway.URL
}

func (b *bench) request(method, path string, body []byte, headers ...string) *http.Request {
	b.t.Helper()
	request, err := http.NewRequest(method, b.address+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	payload := unsignedPayload
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "payload" {
			payload = value
			continue
		}
		request.Header.Set(name, value)
	}
	sign(request, clientKeys, "us-east-1", payload, time.Now())
	return request
}

// send returns status and body. The body of an answer that broke off is an error.
func (b *bench) send(request *http.Request) (*http.Response, []byte, error) {
	b.t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// must sends and expects a status.
func (b *bench) must(status int, request *http.Request) (*http.Response, []byte) {
	b.t.Helper()
	response, body, err := b.send(request)
	if err != nil {
		b.t.Fatalf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	if response.StatusCode != status {
		b.t.Fatalf("%s %s: %d %s, expected %d", request.Method, request.URL.Path, response.StatusCode, body, status)
	}
	return response, body
}

// refused sends and expects an error in S3's XML with this code.
func (b *bench) refused(status int, code string, request *http.Request) string {
	b.t.Helper()
	response, body := b.must(status, request)
	if !strings.Contains(string(body), "<Error><Code>"+code+"</Code><Message>") || response.Header.Get("Content-Type") != "application/xml" {
		b.t.Errorf("%s %s: %s, expected %s", request.Method, request.URL.Path, body, code)
	}
	return string(body)
}

func content(length int) []byte {
	source := rand.NewChaCha8([32]byte{byte(length), byte(length >> 8)})
	plain := make([]byte, length)
	_, _ = source.Read(plain)
	return plain
}

func sha(plain []byte) string {
	sum := sha256.Sum256(plain)
	return hex.EncodeToString(sum[:])
}

func md(plain []byte) string {
	sum := md5.Sum(plain)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestPutAndGet(t *testing.T) {
	b := newBench(t, 1)
	for _, length := range []int{0, 1, 65536, 300000} {
		for _, name := range []string{"k", "server/wals/0000 +~(ü)$&=@:,;!*'/x.gz", "a//b", "/", "a%2Fb", "back/"} {
			plain := content(length)
			path := (&url.URL{Path: "/backups/" + name}).EscapedPath()
			b.must(200, b.request("PUT", path, plain, "payload: "+sha(plain), "Content-MD5: "+md(plain), "Content-Type: application/x-tar"))
			raw := b.store.raw("/backups/" + name)
			if size, _ := sealed.StoredSize(int64(length)); int64(len(raw)) != size || length > 20 && bytes.Contains(raw, plain[:20]) {
				t.Errorf("%s: %d bytes are in the store for %d", name, len(raw), length)
			}
			for _, span := range []string{"Accept-Encoding: gzip", "Range: bytes=0-"} {
				response, got := b.must(200, b.request("GET", path, nil, span))
				if !bytes.Equal(got, plain) || response.ContentLength != int64(length) || response.Header.Get("Content-Type") != "application/x-tar" {
					t.Errorf("%s: %d bytes came back of %d, %v", name, len(got), length, response.Header)
				}
				if response.Header.Get("X-Amz-Checksum-Crc32") != "" || response.Header.Get("Accept-Ranges") != "" {
					t.Errorf("%s: what is true of the stored bytes only was passed on: %v", name, response.Header)
				}
			}
			response, _ := b.must(200, b.request("HEAD", path, nil))
			if response.ContentLength != int64(length) || response.Header.Get("Etag") == "" {
				t.Errorf("%s: HEAD tells %d of %d, %v", name, response.ContentLength, length, response.Header)
			}
		}
	}
}

func TestHeadersThatReachTheStore(t *testing.T) {
	b := newBench(t, 1)
	b.must(200, b.request("PUT", "/b/k", content(10),
		"X-Amz-Meta-Origin: pod  1", "X-Amz-Tagging: a=b", "X-Amz-Storage-Class: COLD", "X-Amz-Server-Side-Encryption: AES256", "If-None-Match: *",
		"X-Amz-Checksum-Crc32: AAAAAA==", "X-Amz-Sdk-Checksum-Algorithm: CRC32", "X-Amz-Security-Token: of-the-client", "Content-MD5: "+md(content(10))))
	headers := b.store.headers["/b/k"]
	for name, value := range map[string]string{
		"X-Amz-Meta-Origin": "pod  1", "X-Amz-Tagging": "a=b", "X-Amz-Storage-Class": "COLD", "X-Amz-Server-Side-Encryption": "AES256", "If-None-Match": "*",
		"X-Amz-Content-Sha256": unsignedPayload,
		"X-Amz-Checksum-Crc32": "", "X-Amz-Sdk-Checksum-Algorithm": "", "X-Amz-Security-Token": "", "Content-Md5": "",
	} {
		if headers.Get(name) != value {
			t.Errorf("%s: %q, expected %q", name, headers.Get(name), value)
		}
	}
}

func TestMultipart(t *testing.T) {
	b := newBench(t, 1)
	b.must(200, b.request("POST", "/b/k?uploads", nil, "X-Amz-Checksum-Algorithm: CRC32"))
	if b.store.last.Get("X-Amz-Checksum-Algorithm") != "" {
		t.Error("the store was told to expect sums of parts")
	}
	lengths := map[int]int{3: 17, 1: 200000, 2: 65536, 10: 0}
	for _, number := range []int{3, 1, 10, 2} {
		plain := content(lengths[number])
		b.must(200, b.request("PUT", fmt.Sprintf("/b/k?partNumber=%d&uploadId=id-1", number), plain, "Content-MD5: "+md(plain)))
	}
	b.must(200, b.request("PUT", "/b/k?partNumber=2&uploadId=id-1", content(65537))) // once more
	if _, body := b.must(200, b.request("GET", "/b/k?uploadId=id-1", nil)); !strings.Contains(string(body), "<List>") {
		t.Errorf("list of parts: %s", body)
	}
	b.must(200, b.request("POST", "/b/k?uploadId=id-1", []byte("<CompleteMultipartUpload/>")))
	plain := slices.Concat(content(200000), content(65537), content(17))
	response, got := b.must(200, b.request("GET", "/b/k", nil))
	if !bytes.Equal(got, plain) || response.ContentLength != -1 {
		t.Errorf("%d bytes of %d, Content-Length %d", len(got), len(plain), response.ContentLength)
	}
	if response, _ := b.must(200, b.request("HEAD", "/b/k", nil)); response.ContentLength != int64(len(plain)) {
		t.Errorf("HEAD tells %d of %d", response.ContentLength, len(plain))
	}
	if bytes.Contains(b.store.raw("/b/k"), content(200000)[:20]) {
		t.Error("plaintext is in the store")
	}
}

func TestWrongSumsStoreNothing(t *testing.T) {
	b := newBench(t, 1)
	for _, length := range []int{0, 1, 65536, 300000} {
		plain, other := content(length), content(length+1)
		b.refused(400, "XAmzContentSHA256Mismatch", b.request("PUT", "/b/k", plain, "payload: "+sha(other)))
		b.refused(400, "BadDigest", b.request("PUT", "/b/k", plain, "Content-MD5: "+md(other)))
		b.refused(400, "BadDigest", b.request("PUT", "/b/k?tagging", plain, "Content-MD5: "+md(other)))
	}
	b.refused(400, "InvalidDigest", b.request("PUT", "/b/k", nil, "Content-MD5: AAAA"))
	b.refused(400, "InvalidArgument", b.request("PUT", "/b/k", nil, "payload: AAAA"))
	if len(b.store.objects) > 0 || len(b.store.seen) > 0 {
		t.Errorf("the store holds %d objects and saw %q", len(b.store.objects), b.store.seen)
	}
}

// partly sends the head of a request and a part of its body, then cuts.
func (b *bench) partly(request *http.Request, declared, sent int) {
	b.t.Helper()
	connection, err := net.Dial("tcp", request.URL.Host)
	if err != nil {
		b.t.Fatal(err)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", request.Method, request.URL.RequestURI(), request.URL.Host, declared)
	for name := range request.Header {
		head += name + ": " + request.Header.Get(name) + "\r\n"
	}
	_, _ = io.WriteString(connection, head+"\r\n")
	_, _ = connection.Write(content(sent))
	time.Sleep(100 * time.Millisecond)
	_ = connection.Close()
}

func TestAClientThatIsCutStoresNothing(t *testing.T) {
	b := newBench(t, 1)
	b.must(200, b.request("POST", "/b/part?uploads", nil))
	for _, sent := range []int{0, 1, 65536, 299999} {
		b.partly(b.request("PUT", "/b/k", nil), 300000, sent)
		b.partly(b.request("PUT", "/b/part?partNumber=1&uploadId=id-1", nil), 300000, sent)
	}
	time.Sleep(200 * time.Millisecond)
	b.store.change(func() {
		if len(b.store.objects) > 0 || len(b.store.uploads["/b/part"]) > 0 {
			t.Errorf("the store holds %d objects and %d parts", len(b.store.objects), len(b.store.uploads["/b/part"]))
		}
	})
}

func TestWhatDoesNotOpenIsNeverGiven(t *testing.T) {
	b := newBench(t, 1)
	plain := content(300000)
	b.must(200, b.request("PUT", "/b/k", plain))
	whole := b.store.raw("/b/k")
	first := bytes.Clone(whole)
	first[sealed.HeaderSize+100] ^= 1
	for kind, stored := range map[string][]byte{
		"damaged": first, "plain": content(1000), "empty": {}, "header only": whole[:sealed.HeaderSize], "half a header": whole[:30],
	} {
		b.store.set("/b/k", stored)
		if text := b.refused(500, "DecryptionFailed", b.request("GET", "/b/k", nil)); !strings.Contains(text, "k: ") {
			t.Errorf("%s: %s", kind, text)
		}
		if kind != "damaged" {
			b.must(500, b.request("HEAD", "/b/k", nil))
		}
	}
	b.store.set("/b/other", whole)
	b.refused(500, "DecryptionFailed", b.request("GET", "/b/other", nil))
	b.store.set("/b/k", whole)
	elsewhere := *b
	elsewhere.address = b.gateway(2)
	if text := elsewhere.refused(500, "DecryptionFailed", elsewhere.request("GET", "/b/k", nil)); !strings.Contains(text, "there is no such key") {
		t.Error(text)
	}
	later := bytes.Clone(whole)
	later[200000] ^= 1
	for kind, stored := range map[string][]byte{"damaged": later, "truncated": whole[:len(whole)-1]} {
		b.store.set("/b/k", stored)
		_, got, err := b.send(b.request("GET", "/b/k", nil))
		if err == nil || len(got) == 0 || !bytes.HasPrefix(plain, got) {
			t.Errorf("%s: %d bytes, %v: expected some and a broken connection", kind, len(got), err)
		}
	}
	if !strings.Contains(b.log.String(), "broke off") {
		t.Errorf("the log does not tell: %s", b.log)
	}
}

func TestAStoreThatIsCutBreaksTheClientsStream(t *testing.T) {
	b := newBench(t, 1)
	plain := content(300000)
	b.must(200, b.request("PUT", "/b/k", plain))
	b.store.change(func() { b.store.cut = 200000 })
	_, got, err := b.send(b.request("GET", "/b/k", nil))
	if err == nil || len(got) == 0 || !bytes.HasPrefix(plain, got) {
		t.Errorf("%d bytes, %v: expected some and a broken connection", len(got), err)
	}
	b.store.change(func() { b.store.cut = 1000 })
	b.refused(503, "ServiceUnavailable", b.request("GET", "/b/k", nil))
}

func TestCredentials(t *testing.T) {
	b := newBench(t, 1)
	for code, credentials := range map[string]Credentials{
		"InvalidAccessKeyId":    {AccessKey: "other", SecretKey: clientKeys.SecretKey},
		"SignatureDoesNotMatch": {AccessKey: clientKeys.AccessKey, SecretKey: "other"},
	} {
		request := b.request("PUT", "/b/k", content(10))
		sign(request, credentials, "us-east-1", unsignedPayload, time.Now())
		b.refused(403, code, request)
	}
	for _, skew := range []time.Duration{-16 * time.Minute, 16 * time.Minute} {
		request := b.request("GET", "/b/k", nil)
		sign(request, clientKeys, "us-east-1", unsignedPayload, time.Now().Add(skew))
		b.refused(403, "RequestTimeTooSkewed", request)
	}
	request := b.request("GET", "/b/k?X-Amz-Signature=00", nil)
	b.refused(403, "AccessDenied", request)
	request = b.request("GET", "/b/k", nil)
	request.Header.Del("Authorization")
	b.refused(403, "AccessDenied", request)
	if len(b.store.seen) > 0 {
		t.Errorf("the store saw %q", b.store.seen)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, 1)
	b.refused(501, "NotImplemented", b.request("PUT", "/b/k", nil, "X-Amz-Copy-Source: /b/other"))
	b.refused(501, "NotImplemented", b.request("PUT", "/b/k?partNumber=1&uploadId=id-1", nil, "X-Amz-Copy-Source: /b/other"))
	b.refused(501, "NotImplemented", b.request("GET", "/b/k", nil, "Range: bytes=0-9"))
	b.refused(501, "NotImplemented", b.request("GET", "/b/k?partNumber=1", nil))
	for _, kind := range []string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		text := b.refused(501, "NotImplemented", b.request("PUT", "/b/k", content(10), "payload: "+kind))
		if !strings.Contains(text, "when_required") {
			t.Error(text)
		}
	}
	for _, path := range []string{"/b/k?acl", "/b/k?retention", "/b/k?tagging&partNumber=1&uploadId=x", "/b/k?uploads"} {
		b.refused(501, "NotImplemented", b.request("PUT", path, content(10)))
	}
	b.refused(501, "NotImplemented", b.request("POST", "/b", content(10), "Content-Type: multipart/form-data"))
	b.refused(501, "NotImplemented", b.request("POST", "/b/k?restore", content(10)))
	b.refused(501, "NotImplemented", b.request("PATCH", "/b/k", content(10)))
	b.refused(403, "AccessDenied", b.request("PUT", "/b/escrow/1.age", content(10)))
	for _, path := range []string{"/b/a/../k", "/b/.", "/b/./k", "/b/..", "/b/%2e%2e/k"} {
		b.refused(400, "InvalidArgument", b.request("PUT", path, content(10)))
	}
	b.refused(400, "InvalidBucketName", b.request("GET", "//k", nil))
	b.refused(400, "InvalidURI", b.request("GET", "/b/k?a=%zz", nil))
	b.refused(413, "EntityTooLarge", b.request("POST", "/b?delete", content(maxForwarded+1)))
	for _, query := range []string{"partNumber=1", "uploadId=x", "partNumber=0&uploadId=x", "partNumber=10001&uploadId=x"} {
		b.refused(400, "InvalidArgument", b.request("PUT", "/b/k?"+query, content(10)))
	}
	request := b.request("PUT", "/b/k", nil)
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader("of no known length")), -1
	b.refused(411, "MissingContentLength", request)
	if len(b.store.seen) > 0 {
		t.Errorf("the store saw %q", b.store.seen)
	}
}

func TestForwarded(t *testing.T) {
	b := newBench(t, 1)
	b.must(200, b.request("PUT", "/b/one", content(10)))
	b.must(200, b.request("PUT", "/b/two", content(10)))
	if _, body := b.must(200, b.request("GET", "/b?list-type=2&prefix=a%20b%2B", nil)); string(body) != "<List>/b/one /b/two</List>" {
		t.Errorf("list: %s", body)
	}
	list := []byte("<Delete><Object><Key>one</Key></Object></Delete>")
	b.must(200, b.request("POST", "/b?delete", list, "payload: "+sha(list), "Content-MD5: "+md(list), "X-Amz-Checksum-Crc32: AAAAAA=="))
	if b.store.last.Get("X-Amz-Checksum-Crc32") != "AAAAAA==" || b.store.last.Get("X-Amz-Content-Sha256") != sha(list) {
		t.Errorf("the store was sent %v", b.store.last)
	}
	b.must(204, b.request("DELETE", "/b/two", nil))
	if len(b.store.objects) > 0 {
		t.Errorf("%d objects are left", len(b.store.objects))
	}
	for _, path := range []string{"/b/none", "/b/none?versionId=1"} {
		if _, body := b.must(404, b.request("GET", path, nil)); !strings.Contains(string(body), "NoSuchKey") {
			t.Errorf("%s: %s", path, body)
		}
		b.must(404, b.request("HEAD", path, nil))
	}
	b.must(200, b.request("HEAD", "/b", nil))
	b.must(200, b.request("GET", "/b/k?tagging", nil))
	b.must(200, b.request("PUT", "/b/k?tagging", []byte("<Tagging/>")))
	expected := []string{
		"PUT /b/one", "PUT /b/two", "GET /b?list-type=2&prefix=a%20b%2B", "POST /b?delete=", "DELETE /b/two",
		"GET /b/none", "HEAD /b/none", "GET /b/none?versionId=1", "HEAD /b/none?versionId=1",
		"HEAD /b", "GET /b/k?tagging=", "PUT /b/k?tagging=",
	}
	if !slices.Equal(b.store.seen, expected) {
		t.Errorf("the store saw %q", b.store.seen)
	}
}

func TestConditions(t *testing.T) {
	b := newBench(t, 1)
	response, _ := b.must(200, b.request("PUT", "/b/k", content(10)))
	tag := response.Header.Get("Etag")
	for _, method := range []string{"GET", "HEAD"} {
		b.must(200, b.request(method, "/b/k", nil, "If-Match: "+tag))
		b.must(304, b.request(method, "/b/k", nil, "If-None-Match: "+tag))
		b.must(412, b.request(method, "/b/k", nil, `If-Match: "other"`))
	}
}

func TestAStoreThatRefusesIsHeard(t *testing.T) {
	b := newBench(t, 1)
	b.store.change(func() { b.store.refuse = "QuotaExceeded" })
	if _, body := b.must(403, b.request("PUT", "/b/k", content(5<<20), "Expect: 100-continue")); !strings.Contains(string(body), "QuotaExceeded") {
		t.Errorf("%s", body)
	}
	b.store.change(func() { b.store.refuse, b.store.early = "", true })
	b.refused(500, "InternalError", b.request("PUT", "/b/k", content(5<<20), "Expect: 100-continue"))
}

func TestAStoreThatIsAway(t *testing.T) {
	b := newBench(t, 1)
	closed := httptest.NewServer(nil)
	closed.Close()
	b.behind.Address = storeAt(t, closed.URL).Address
	for _, method := range []string{"PUT", "GET", "DELETE"} {
		b.refused(503, "ServiceUnavailable", b.request(method, "/b/k", content(10)))
	}
	b.must(503, b.request("HEAD", "/b/k", nil))
}

func TestHealth(t *testing.T) {
	b := newBench(t, 1)
	response, err := http.Get(b.address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 200 || string(body) != "ok\n" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

func TestTheLogTellsRequestsAndNoSecrets(t *testing.T) {
	b := newBench(t, 1)
	b.must(200, b.request("PUT", "/b/k", content(10), "X-Amz-Meta-Patient: nobody"))
	b.refused(501, "NotImplemented", b.request("GET", "/b/k", nil, "Range: bytes=1-2"))
	text := b.log.String()
	for _, part := range []string{`"method":"PUT","object":"b/k","status":200,"announced":10,"sent":0,"seconds":0.`, `"status":501`, `"error":"NotImplemented: `} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in the log: %s", part, text)
		}
	}
	for _, part := range []string{clientKeys.AccessKey, clientKeys.SecretKey, storeKeys.AccessKey, storeKeys.SecretKey, "nobody", "Signature"} {
		if strings.Contains(text, part) {
			t.Errorf("%s is in the log: %s", part, text)
		}
	}
}

func TestEscrow(t *testing.T) {
	b := newBench(t, 1)
	directory := t.TempDir()
	text := []byte(armour + "\nYWdlLWVuY3J5cHRpb24ub3JnL3Yx\n-----END AGE ENCRYPTED FILE-----\n")
	if err := os.WriteFile(filepath.Join(directory, "1.age"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	escrow, err := ReadEscrow(directory)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(b.log, nil))
	b.store.broken = 2
	escrow.keep(t.Context(), b.behind, "b", log, time.Millisecond)
	if !bytes.Equal(b.store.raw("/b/escrow/1.age"), text) || strings.Count(b.log.String(), "is not in the bucket") != 2 {
		t.Errorf("the store holds %q; log: %s", b.store.raw("/b/escrow/1.age"), b.log)
	}
	b.store.seen = nil
	escrow.keep(t.Context(), b.behind, "b", log, time.Millisecond)
	if !slices.Equal(b.store.seen, []string{"GET /b/escrow/1.age"}) {
		t.Errorf("with equal content: %q", b.store.seen)
	}
	b.store.set("/b/escrow/1.age", []byte("something else"))
	escrow.keep(t.Context(), b.behind, "b", log, time.Millisecond)
	if _, got := b.must(200, b.request("GET", "/b/escrow/1.age", nil)); !bytes.Equal(got, text) {
		t.Errorf("a client reads %q", got)
	}
	if response, _ := b.must(200, b.request("HEAD", "/b/escrow/1.age", nil)); response.ContentLength != int64(len(text)) {
		t.Errorf("HEAD tells %d", response.ContentLength)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b.store.broken = 1 << 30
	escrow.keep(ended, b.behind, "b", log, time.Hour)
}

func TestEscrowRefusesWhatIsNotArmoured(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "1.age"), []byte("AAAA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadEscrow(directory); err == nil || !strings.Contains(err.Error(), "1.age") || strings.Contains(err.Error(), "AAAA") {
		t.Errorf("%v", err)
	}
}
