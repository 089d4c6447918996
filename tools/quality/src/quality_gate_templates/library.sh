# Quality gates as shell functions: gate_NAME [ROOT] prints the gate's JSON and ends with 0 when it passes, 1 when not.
# Meant to be sourced by bash or zsh; sets no option of the shell that sources it.

_quality_gate() {
  local program="${BASH_SOURCE[0]:-}"
  program="${program%/*}/../quality-gate-templates.sh"
  if command -v quality-gate-templates >/dev/null 2>&1; then
    program=quality-gate-templates
  fi
  "$program" "$1" --root "${2:-.}"
}

gate_pre_deploy_deps() { _quality_gate pre-deploy-deps "${1:-.}"; }
gate_env_var_audit() { _quality_gate env-var-audit "${1:-.}"; }
gate_security_checklist() { _quality_gate security-checklist "${1:-.}"; }
gate_doc_sync() { _quality_gate doc-sync "${1:-.}"; }
gate_e2e_stability() { _quality_gate e2e-stability "${1:-.}"; }
