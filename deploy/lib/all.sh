# shellcheck shell=bash
# Everything that deploy.sh and rollback.sh share. DEPLOY_DIR is the folder above.
shopt -s inherit_errexit
# shellcheck source=common.sh
source "$DEPLOY_DIR/lib/common.sh"
# shellcheck source=settings.sh
source "$DEPLOY_DIR/lib/settings.sh"
# shellcheck source=state.sh
source "$DEPLOY_DIR/lib/state.sh"
# shellcheck source=nginx-shift.sh
source "$DEPLOY_DIR/lib/nginx-shift.sh"
# shellcheck source=gates.sh
source "$DEPLOY_DIR/lib/gates.sh"
# shellcheck source=rehearsal.sh
source "$DEPLOY_DIR/lib/rehearsal.sh"
# shellcheck source=record.sh
source "$DEPLOY_DIR/lib/record.sh"
# shellcheck source=phases.sh
source "$DEPLOY_DIR/lib/phases.sh"
