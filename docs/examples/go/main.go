// Command ask posts an inquiry over HTTP, reads the answer, and opens an event of exchange.completed.
//
//	ask KEY_SET GATEWAY            posts, and prints the answer
//	ask KEY_SET open EVENT < JWE   opens an event's value
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
	"unicode/utf8"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/text/unicode/norm"
)

var b64 = base64.RawURLEncoding

// key has the members of a JWK that are read here.
type key struct {
	Use, Kid, D string
	Nbf         int64
}

// system is a posting system with its key set.
type system struct {
	Agency, System string
	Keys           []json.RawMessage
}

// canonical spells a value in its one way: sorted keys, no white space, and neither HTML nor U+2028 escaped.
func canonical(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil { // maps are written in the order of their keys
		log.Fatal(err)
	}
	spelled := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	return normal(unescapeSeparators(spelled))
}

// normal puts text into NFC, but for CJK compatibility ideographs: NFC would replace them, and they stand in people's names.
func normal(data []byte) []byte {
	var out, run []byte
	for _, one := range string(data) {
		if one >= 0xF900 && one <= 0xFAFF || one >= 0x2F800 && one <= 0x2FA1F {
			out = utf8.AppendRune(append(out, norm.NFC.Bytes(run)...), one)
			run = nil
		} else {
			run = utf8.AppendRune(run, one)
		}
	}
	return append(out, norm.NFC.Bytes(run)...)
}

// unescapeSeparators undoes what encoding/json always escapes: U+2028 and U+2029, where the backslash is no escaped one.
func unescapeSeparators(data []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(data); i++ {
		switch {
		case bytes.HasPrefix(data[i:], []byte(`\u2028`)):
			out.WriteString("\u2028")
			i += 5
		case bytes.HasPrefix(data[i:], []byte(`\u2029`)):
			out.WriteString("\u2029")
			i += 5
		case data[i] == '\\':
			out.Write(data[i : i+2])
			i++
		default:
			out.WriteByte(data[i])
		}
	}
	return out.Bytes()
}

// digest is the claim h: SHA-256 over the label and the three parts, each after its length in four bytes.
func digest(control []byte, number string, business []byte) string {
	hash := sha256.New()
	for _, part := range [][]byte{[]byte("renkei/request/1"), control, []byte(number), business} {
		_ = binary.Write(hash, binary.BigEndian, uint32(len(part)))
		hash.Write(part)
	}
	return b64.EncodeToString(hash.Sum(nil))
}

// assert signs claims with the key of use sig that began last.
func (s system) assert(claims map[string]any, now time.Time) string {
	var newest key
	for _, raw := range s.Keys {
		var one key
		_ = json.Unmarshal(raw, &one)
		if one.Use == "sig" && one.Nbf <= now.Unix() && one.Nbf >= newest.Nbf {
			newest = one
		}
	}
	seed, err := b64.DecodeString(newest.D)
	if err != nil || len(seed) != ed25519.SeedSize {
		log.Fatal("the key set has no key of use sig that has begun")
	}
	claims["iss"], claims["exp"] = s.Agency, now.Unix()+300
	header := canonical(map[string]string{"alg": "EdDSA", "kid": newest.Kid, "typ": "JWT"})
	signed := b64.EncodeToString(header) + "." + b64.EncodeToString(canonical(claims))
	return signed + "." + b64.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(signed)))
}

// open returns the answer of an event, if it is sealed to this system in this event.
func (s system) open(token []byte, event string) ([]byte, error) {
	message, err := jwe.Parse(token)
	if err != nil {
		return nil, err
	}
	header := message.ProtectedHeaders()
	algorithm, _ := header.Algorithm()
	encryption, _ := header.ContentEncryption()
	apu, _ := header.AgreementPartyUInfo()
	apv, _ := header.AgreementPartyVInfo()
	if algorithm != jwa.ECDH_ES() || encryption != jwa.A256GCM() {
		return nil, errors.New("expected ECDH-ES and A256GCM")
	}
	if string(apu) != event || string(apv) != s.Agency+"/"+s.System {
		return nil, errors.New("the answer belongs to another event or another system")
	}
	kid, _ := header.KeyID()
	for _, raw := range s.Keys {
		var one key
		if _ = json.Unmarshal(raw, &one); one.Kid == kid {
			private, err := jwk.ParseKey(raw)
			if err != nil {
				return nil, err
			}
			return jwe.Decrypt(token, jwe.WithKey(jwa.ECDH_ES(), private))
		}
	}
	return nil, errors.New("the key set has no key of this kid")
}

// uuid7 makes a new id: 48 bits of milliseconds, then random bits (RFC 9562).
func uuid7(now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[6:])
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|uint64(binary.BigEndian.Uint16(id[6:8])))
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// ask posts an inquiry and waits for its answer.
func (s system) ask(gateway string) ([]byte, error) {
	id := uuid7(time.Now())
	officer := map[string]any{"office": "子育て支援課", "role": "allowance_clerk", "staff": "hamamatsu-0107"}
	control := map[string]any{
		"id": id, "sender": s.Agency, "receiver": "221007", "officer": officer,
		"basis": map[string]any{"edition": "2015-12-27", "row": "57", "branch": 2},
		"item":  map[string]any{"name": "income_tax_certificate", "layout": 1},
	}
	business, number := map[string]any{"period": map[string]any{"year": 2026}}, "SYN0000001"
	assertion := s.assert(map[string]any{
		"jti": id, "office": officer["office"], "role": officer["role"], "officer": officer["staff"],
		"h": digest(canonical(control), number, canonical(business)),
	}, time.Now())
	body := canonical(map[string]any{"control": control, "subject": number, "business": business})
	if status, said, err := call("POST", gateway+"/v1/inquiries", assertion, body); err != nil || status != 202 {
		return nil, fmt.Errorf("%d %s %w", status, said, err)
	}
	for range 300 {
		reading := s.assert(map[string]any{"method": "GET", "exchange": id}, time.Now())
		status, said, err := call("GET", gateway+"/v1/exchanges/"+id+"/answer", reading, nil)
		if err != nil || status == http.StatusOK {
			return said, err
		}
		time.Sleep(100 * time.Millisecond) // 404: there is no answer yet
	}
	return nil, errors.New("no answer within 30 s; it may still come")
}

func call(method, url, assertion string, body []byte) (int, []byte, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+assertion)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return answer.StatusCode, said, err
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var mine system
	if err := json.Unmarshal(data, &mine); err != nil {
		log.Fatal(err)
	}
	var said []byte
	if os.Args[2] == "open" {
		token, _ := io.ReadAll(os.Stdin)
		said, err = mine.open(bytes.TrimSpace(token), os.Args[3])
	} else {
		said, err = mine.ask(os.Args[2])
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(said))
}
