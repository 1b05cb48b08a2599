// In place of the editors of differences, which nothing here makes, and the other editors would bring along.
export class DiffEditorWidget {}
export class MultiDiffEditorWidget {}
