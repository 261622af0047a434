package httpapi

// PageQuery is the query of a list; embed it in the input.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many items at most."`
	Cursor string `query:"cursor" maxLength:"4096" doc:"The next_cursor of the page before."`
}

// List is a page of a list. NextCursor is null on the last one.
type List[T any] struct {
	Items      []T     `json:"items" nullable:"false"`
	NextCursor *string `json:"next_cursor" nullable:"true"`
}
