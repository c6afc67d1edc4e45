/** How a language begins a comment line. */
export type CommentStyle = '//' | '#';

/** A language that the plan format's ast-grep codemods know, of those that a first plan is written for. */
export type CodemodLanguageName = 'JavaScript' | 'TypeScript';
