// The colours of the editors: those of the other pages, and of text none too faint to read.

interface Theme {
  base: 'vs' | 'vs-dark'
  inherit: boolean
  rules: { token: string; foreground: string }[]
  colors: Record<string, string>
}

/** The part of the editor that is needed here. */
interface Monaco {
  editor: { defineTheme(name: string, theme: Theme): void }
}

/** Defines both themes in place of GraphiQL's, which knows them by these names. */
export function dress(monaco: Monaco): void {
  monaco.editor.defineTheme('graphiql-LIGHT', light)
  monaco.editor.defineTheme('graphiql-DARK', dark)
}

const light: Theme = {
  base: 'vs',
  inherit: true,
  rules: rules({ comment: '37712f', type: '006d75', number: '086f49', keyword: '1d4ed8', annotation: '8a4b00', 'argument.identifier.gql': '5b57b8' }),
  colors: colors({ accent: '#0b7285', surface: '#ffffff', text: '#17222c', quiet: '#51606d', marked: '#0b728519' }),
}

const dark: Theme = {
  base: 'vs-dark',
  inherit: true,
  rules: rules({ comment: '8bb37a', type: '4fd1b5', number: 'b5cea8', keyword: '6cb2f0', annotation: 'f0b649', 'argument.identifier.gql': 'a9a5ff' }),
  colors: colors({ accent: '#4fc3d9', surface: '#212c37', text: '#e6edf3', quiet: '#9db0c0', marked: '#4fc3d922' }),
}

function rules(tokens: Record<string, string>): Theme['rules'] {
  return Object.entries(tokens).map(([token, foreground]) => ({ token, foreground }))
}

function colors(of: { accent: string; surface: string; text: string; quiet: string; marked: string }): Theme['colors'] {
  const clear = '#00000000'
  return {
    'editor.background': clear, // what is behind shows through
    'scrollbar.shadow': clear,
    'editorLineNumber.foreground': of.quiet,
    'editorLineNumber.activeForeground': of.text,
    'editorLineNumber.dimmedForeground': of.quiet,
    'editorBracketHighlight.foreground1': of.text,
    'editorBracketHighlight.foreground2': of.text,
    'editorBracketHighlight.foreground3': of.text,
    'editorHoverWidget.background': of.surface,
    'editorSuggestWidget.background': of.surface,
    'editorSuggestWidget.selectedBackground': of.marked,
    'editorSuggestWidget.selectedForeground': of.accent,
    'editorWidget.background': of.surface,
    'quickInput.background': of.surface,
    'quickInputList.focusBackground': of.marked,
    'quickInputList.focusForeground': of.text,
    'menu.background': of.surface,
    'menu.selectionBackground': of.marked,
    'list.hoverBackground': of.marked,
    'list.highlightForeground': of.accent,
    'textLink.foreground': of.accent,
    focusBorder: of.accent,
  }
}
