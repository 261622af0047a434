package isolation

import "encoding/json"

// unasked leaves out, of the attacker's own trail, the targets of what it was denied: they are what the attacker itself asked for.
func unasked(raw []byte) []byte {
	var v map[string]any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	events, _ := v["items"].([]any)
	for _, e := range append(events, any(v)) {
		if event, ok := e.(map[string]any); ok && event["result"] == "denied" {
			delete(event, "target")
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return b
}
