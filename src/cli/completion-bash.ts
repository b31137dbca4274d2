// The script for bash. Our own, because it must work where the bash-completion package is missing (then its helpers
// are), may be sourced twice, and must not evaluate what is being typed: `$(…)` on a line is not run by Tab.

/** Asks `tidemark complete -- WORDS` and offers what fits; file names where nothing else is known. */
export const bashCompletion = `# bash completion for tidemark

__tidemark_complete() {
    local line=\${COMP_LINE:0:COMP_POINT} words current shown answer value directive=0
    read -ra words <<< "$line"
    if [[ $line == *[[:space:]] ]]; then words+=(''); fi
    current=\${words[\${#words[@]}-1]}
    # Bash replaces only what stands after a ":" or "=".
    shown=\${current%"\${COMP_WORDS[COMP_CWORD]}"}
    COMPREPLY=()
    while IFS= read -r answer; do
        value=\${answer%%$'\\t'*}
        if [[ $answer =~ ^:[0-9]+$ ]]; then
            directive=\${answer#:}
        elif [[ $value == "$current"* ]]; then
            COMPREPLY+=("\${value#"$shown"}")
        fi
    done < <(tidemark complete -- "\${words[@]:1}" 2>/dev/null)
    # 2: no space after it; 4: no file names, unless a path is being typed.
    if (( directive & 2 )); then compopt -o nospace; fi
    if (( directive & 4 )) && [[ $current != */* ]]; then compopt +o default; fi
}

complete -o default -F __tidemark_complete tidemark
`;
