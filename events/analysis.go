package events

// ProfileCreated is the change of profile.created.
type ProfileCreated struct {
	Industry  string `json:"industry"`  // the sector of its template: retail, …
	Employees int    `json:"employees"` // the company's size in people; 0 where it was not given
	Metrics   int    `json:"metrics"`   // how many success metrics it has
}

// ProfileDeleted is the change of profile.deleted.
type ProfileDeleted struct {
	Version int64 `json:"version"` // of the item that was deleted
}
