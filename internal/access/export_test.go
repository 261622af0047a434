package access

// Questions returns how many questions are remembered.
func (d *Decider) Questions() (n int) {
	for _, about := range d.index {
		about.memo.Range(func(any, any) bool {
			n++
			return true
		})
	}
	return n
}
