package pattern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/bus/pattern"
)

// ec2 is the User Guide's example event.
const ec2 = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"EC2 Instance State-change Notification",
"source":"aws.ec2","account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1",
"resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
"detail":{"instance-id":"i-1234567890abcdef0","state":"terminated"}}`

type match struct {
	name    string
	pattern string
	event   string
	want    bool
}

// The cases named "AWS:" are the examples of the EventBridge User Guide.
var matches = []match{
	{"AWS: source, detail type and state", `{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["terminated"]}}`, ec2, true},
	{"a value that differs in case", `{"source":["AWS.ec2"]}`, ec2, false},
	{"a field that is not there", `{"detail":{"cause":["spot"]}}`, ec2, false},
	{"any of the values of a field", `{"detail":{"state":["running","terminated"]}}`, ec2, true},
	{"all of the fields", `{"source":["aws.ec2"],"region":["eu-west-1"]}`, ec2, false},
	{"the same name, nested elsewhere", `{"state":["terminated"]}`, ec2, false},

	{"AWS: an array matches by intersection", `{"resources":["arn:a","arn:b"]}`, `{"resources":["arn:c","arn:b"]}`, true},
	{"AWS: an array without intersection", `{"resources":["arn:a"]}`, `{"resources":["arn:c","arn:b"]}`, false},
	{"an array in an array", `{"a":[1]}`, `{"a":[[2],[1]]}`, true},
	{"an element of an array of objects", `{"a":{"b":[2]}}`, `{"a":[{"b":1},{"b":2}]}`, true},
	{"two fields are not satisfied by two elements", `{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1,"c":1},{"b":2,"c":2}]}`, false},

	{"AWS: empty string", `{"detail":{"responseElements":["",null]}}`, `{"detail":{"responseElements":""}}`, true},
	{"AWS: null", `{"detail":{"responseElements":[null]}}`, `{"detail":{"responseElements":null}}`, true},
	{"null is not an empty string", `{"detail":{"responseElements":[""]}}`, `{"detail":{"responseElements":null}}`, false},
	{"null is not absence", `{"detail":{"responseElements":[null]}}`, `{"detail":{}}`, false},
	{"null in an array", `{"a":[null]}`, `{"a":[1,null]}`, true},
	{"true", `{"a":[true]}`, `{"a":true}`, true},
	{"the text of true is not true", `{"a":[true]}`, `{"a":"true"}`, false},
	{"AWS: numbers are compared as written", `{"a":[300]}`, `{"a":300.0}`, false},
	{"a number", `{"a":[300]}`, `{"a":300}`, true},
	{"the text of a number is not the number", `{"a":[300]}`, `{"a":"300"}`, false},

	{"AWS: prefix", `{"time":[{"prefix":"2017-10-02"}]}`, `{"time":"2017-10-02T18:43:48Z"}`, true},
	{"another prefix", `{"time":[{"prefix":"2017-10-02"}]}`, ec2, false},
	{"an empty prefix matches every text", `{"source":[{"prefix":""}]}`, ec2, true},
	{"a prefix of a number", `{"a":[{"prefix":"1"}]}`, `{"a":12}`, false},
	{"AWS: prefix, ignoring case", `{"detail":{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}}`, `{"detail":{"service":"EVENTBRIDGE"}}`, true},
	{"prefix, ignoring case, of a shorter text", `{"a":[{"prefix":{"equals-ignore-case":"ÁB"}}]}`, `{"a":"á"}`, false},
	{"prefix, ignoring case, of accents", `{"a":[{"prefix":{"equals-ignore-case":"ÁB"}}]}`, `{"a":"ábc"}`, true},
	{"AWS: suffix", `{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.png"}`, true},
	{"another suffix", `{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.PNG"}`, false},
	{"AWS: suffix, ignoring case", `{"detail":{"FileName":[{"suffix":{"equals-ignore-case":".png"}}]}}`, `{"detail":{"FileName":"x.PnG"}}`, true},
	{"AWS: equals, ignoring case", `{"detail-type":[{"equals-ignore-case":"ec2 instance state-change notification"}]}`, ec2, true},
	{"equals, ignoring case, of another length", `{"a":[{"equals-ignore-case":"ab"}]}`, `{"a":"ABC"}`, false},

	{"AWS: anything but a text", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, ec2, true},
	{"anything but, met", `{"detail":{"state":[{"anything-but":"terminated"}]}}`, ec2, false},
	{"AWS: anything but a number", `{"detail":{"x-limit":[{"anything-but":123}]}}`, `{"detail":{"x-limit":123}}`, false},
	{"AWS: anything but a list of texts", `{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}`, `{"detail":{"state":"overloaded"}}`, false},
	{"AWS: anything but a list of numbers", `{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}`, `{"detail":{"x-limit":150}}`, true},
	{"AWS: anything but, ignoring case", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":["initializing","stopped"]}}]}}`, `{"detail":{"state":"STOPPED"}}`, false},
	{"AWS: anything but a prefix", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{"state":"initializing"}}`, false},
	{"AWS: anything but prefixes", `{"detail":{"state":[{"anything-but":{"prefix":["init","error"]}}]}}`, ec2, true},
	{"AWS: anything but a suffix", `{"detail":{"FileName":[{"anything-but":{"suffix":".txt"}}]}}`, `{"detail":{"FileName":"a.txt"}}`, false},
	{"AWS: anything but a wildcard", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/lib/*"}}]}}`, `{"detail":{"FilePath":"usr/lib/go"}}`, false},
	{"AWS: anything but wildcards", `{"detail":{"FilePath":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}}`, `{"detail":{"FilePath":"usr/src/go"}}`, true},
	{"anything but does not match absence", `{"detail":{"cause":[{"anything-but":"spot"}]}}`, ec2, false},
	{"anything but a text matches a number", `{"a":[{"anything-but":"1"}]}`, `{"a":1}`, true},
	{"anything but matches any element", `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true},

	{"AWS: numeric", `{"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"numeric":["=",3.018e2]}]}}`,
		`{"detail":{"c-count":5,"d-count":9.5,"x-limit":301.8}}`, true},
	{"numeric, at the open end", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, false},
	{"numeric, over the closed end", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5.000001}`, false},
	{"numeric, at least", `{"a":[{"numeric":[">=",-1]}]}`, `{"a":-1}`, true},
	{"numeric of a text", `{"a":[{"numeric":["=",1]}]}`, `{"a":"1"}`, false},
	{"numeric of what is too large", `{"a":[{"numeric":[">",1]}]}`, `{"a":1e400}`, false},

	{"AWS: cidr", `{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"sourceIPAddress":"10.0.0.255"}}`, true},
	{"outside the cidr", `{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"sourceIPAddress":"10.0.1.0"}}`, false},
	{"cidr of IPv6", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8:1::7"}`, true},
	{"cidr of no address", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.x"}`, false},

	{"AWS: exists", `{"detail":{"state":[{"exists":true}]}}`, ec2, true},
	{"AWS: does not exist", `{"detail":{"c-count":[{"exists":false}]}}`, `{"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["initializing","running"]}}`, true},
	{"AWS: an object is no leaf", `{"detail":{"c-count":[{"exists":false}]}}`, `{"detail":{"c-count":{"c1":100}}}`, true},
	{"it does exist", `{"detail":{"c-count":[{"exists":false}]}}`, `{"detail":{"c-count":0}}`, false},
	{"null exists", `{"a":[{"exists":true}]}`, `{"a":null}`, true},
	{"an object does not exist", `{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false},
	{"an empty array does not exist", `{"a":[{"exists":false}]}`, `{"a":[]}`, true},
	{"absence where the parent is absent", `{"detail":{"error":[{"exists":false}]}}`, `{"x":1}`, true},
	{"absence is of the whole event, not of an element", `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"b":1},{"c":2}]}`, false},
	{"absent, or a value: absent", `{"a":[{"exists":false},"x"]}`, `{"b":1}`, true},
	{"absent, or a value: the value", `{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true},
	{"absent, or a value: another", `{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, false},

	{"AWS: wildcard", `{"EventBusArn":[{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}]}`, `{"EventBusArn":"arn:aws:events:us-east-1:1234:event-bus/b"}`, true},
	{"AWS: wildcard in the middle", `{"FileName":[{"wildcard":"dir/*.png"}]}`, `{"FileName":"dir/a/b.png"}`, true},
	{"wildcard for nothing", `{"a":[{"wildcard":"a*b"}]}`, `{"a":"ab"}`, true},
	{"wildcard, overlapping ends", `{"a":[{"wildcard":"aba*ba"}]}`, `{"a":"aba"}`, false},
	{"wildcard, several", `{"a":[{"wildcard":"*a*b*"}]}`, `{"a":"xxbaab"}`, true},
	{"wildcard, order", `{"a":[{"wildcard":"*a*b*"}]}`, `{"a":"ba"}`, false},
	{"wildcard, escaped", `{"a":[{"wildcard":"a\\*\\\\b"}]}`, `{"a":"a*\\b"}`, true},
	{"wildcard, escaped, is itself alone", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"axb"}`, false},
	{"wildcard without a star", `{"a":[{"wildcard":"ab"}]}`, `{"a":"abc"}`, false},

	{"AWS: or, of fields", `{"detail":{"$or":[{"c-count":[{"numeric":[">",0,"<=",5]}]},{"d-count":[{"numeric":["<",10]}]},{"x-limit":[{"numeric":["=",3.018e2]}]}]}}`,
		`{"detail":{"c-count":9,"d-count":3}}`, true},
	{"or, none", `{"$or":[{"a":[1]},{"b":[2]}]}`, `{"a":2,"b":1}`, false},
	{"or, and a field beside it", `{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}`, `{"a":1,"c":4}`, false},
	{"or, within or", `{"$or":[{"a":[1]},{"b":[2],"$or":[{"c":[3]},{"d":[4]}]}]}`, `{"b":2,"d":4}`, true},
	{"or, with absence", `{"a":{"$or":[{"b":[{"exists":false}]},{"c":[1]}]}}`, `{"a":{"b":1,"c":1}}`, true},

	{"AWS: several operators", `{"time":[{"prefix":"2017-10-02"}],"detail":{"state":[{"anything-but":"initializing"}],"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"anything-but":[100,200,300]}]}}`,
		`{"time":"2017-10-02T00:00:00Z","detail":{"state":"on","c-count":1,"d-count":1,"x-limit":1}}`, true},
}

func TestMatch(t *testing.T) {
	for _, c := range matches {
		t.Run(c.name, func(t *testing.T) {
			p, err := pattern.Compile([]byte(c.pattern))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Match([]byte(c.event))
			if err != nil || got != c.want {
				t.Errorf("Match = %v, %v; want %v\npattern %s\nevent   %s", got, err, c.want, c.pattern, c.event)
			}
		})
	}
}

func TestBadPatterns(t *testing.T) {
	for _, source := range []string{
		``, `null`, `[]`, `"x"`, `{}`, `{"a":{}}`, `{"a":[]}`, `{"a":"x"}`, `{"a":1}`, `{"a":null}`, `{"a":[["x"]]}`, `{"a":["x"]} x`,
		`{"a":["x"],"a":["y"]}`, `{"a":["x"`, `{"a":[{}]}`, `{"a":[{"prefix":"x","suffix":"y"}]}`, `{"a":[{"like":"x"}]}`,
		`{"a":[{"prefix":1}]}`, `{"a":[{"prefix":{"suffix":"x"}}]}`, `{"a":[{"suffix":null}]}`, `{"a":[{"equals-ignore-case":["x"]}]}`,
		`{"a":[{"exists":"true"}]}`, `{"a":[{"cidr":"10.0.0.0"}]}`, `{"a":[{"cidr":"10.0.0.0/33"}]}`, `{"a":[{"cidr":1}]}`,
		`{"a":[{"numeric":[]}]}`, `{"a":[{"numeric":["="]}]}`, `{"a":[{"numeric":["=","1"]}]}`, `{"a":[{"numeric":["!",1]}]}`,
		`{"a":[{"numeric":["<",5,">",1]}]}`, `{"a":[{"numeric":[">",5,"<",1]}]}`, `{"a":[{"numeric":["=",1,"<",2]}]}`,
		`{"a":[{"numeric":["<",1e10]}]}`, `{"a":[{"numeric":[1,"<"]}]}`,
		`{"a":[{"anything-but":[]}]}`, `{"a":[{"anything-but":["x",1]}]}`, `{"a":[{"anything-but":null}]}`, `{"a":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}`,
		`{"a":[{"anything-but":{"prefix":""}}]}`, `{"a":[{"anything-but":{"prefix":[]}}]}`, `{"a":[{"anything-but":{}}]}`, `{"a":[{"anything-but":{"prefix":1}}]}`,
		`{"a":[{"wildcard":"a**b"}]}`, `{"a":[{"wildcard":"a\\b"}]}`, `{"a":[{"wildcard":"a\\"}]}`, `{"a":[{"wildcard":1}]}`,
		`{"$or":[]}`, `{"$or":[{"a":[1]}]}`, `{"$or":{"a":[1]}}`, `{"$or":[{"a":[1]},1]}`, `{"$or":[{"a":[1]},{}]}`,
		strings.Repeat(`{"a":`, 100) + `["x"]` + strings.Repeat(`}`, 100),
		`{"a":["` + strings.Repeat("x", 70<<10) + `"]}`,
	} {
		name := source[:min(len(source), 60)]
		if p, err := pattern.Compile([]byte(source)); !errors.Is(err, pattern.ErrBad) || p != nil {
			t.Errorf("Compile(%s) = %v, %v; want ErrBad", name, p, err)
		}
	}
}

func TestNotAnEvent(t *testing.T) {
	p, err := pattern.Compile([]byte(`{"a":[{"exists":false}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{``, `null`, `[]`, `1`, `{"b":1} {}`, `{"b":`} {
		if got, err := p.Match([]byte(event)); !errors.Is(err, pattern.ErrNotEvent) || got {
			t.Errorf("Match(%s) = %v, %v; want ErrNotEvent", event, got, err)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, c := range matches {
		f.Add([]byte(c.pattern), []byte(c.event))
	}
	f.Fuzz(func(t *testing.T, source, event []byte) {
		p, err := pattern.Compile(source)
		if err != nil {
			if !errors.Is(err, pattern.ErrBad) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		first, err := p.Match(event)
		if err != nil {
			return
		}
		if again, err := p.Match(event); err != nil || again != first {
			t.Fatalf("matched %v and then %v, %v", first, again, err)
		}
	})
}
