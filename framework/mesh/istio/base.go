package istio

import (
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/manifest"

	"helm.sh/helm/v3/pkg/release"
)

// base installs the base chart, which all revisions share, from the newest of them. Its
// webhook, which validates objects without revision label, belongs to the default revision if
// that is installed.
func (w *work) base(s stock, others, crdNames []string) error {
	have, err := w.helm.find(baseName)
	if err != nil {
		return err
	}
	judge := webhookRevision(have, append(others, w.opts.Revision))
	if deployed(have) && newer(have.Labels[versionLabel], s.tag) {
		return w.point(have, judge)
	}
	return w.release(baseName, s.base, baseValues(w.opts.Namespace, judge, crdNames), map[string]string{versionLabel: s.tag})
}

func deployed(r *release.Release) bool { return r != nil && r.Info.Status == release.StatusDeployed }

// istiods lists the installed revisions of meshgate.
func (w *work) istiods() ([]string, error) {
	releases, err := w.helm.ours()
	if err != nil {
		return nil, err
	}
	var revisions []string
	for _, r := range releases {
		if rest, ok := strings.CutPrefix(r.Name, "istiod"); ok {
			revisions = append(revisions, strings.TrimPrefix(rest, "-"))
		}
	}
	return revisions, nil
}

// webhookRevision picks the revision to which the base's webhook belongs: the default one, else the
// present one, else the first.
func webhookRevision(base *release.Release, revisions []string) string {
	slices.Sort(revisions)
	if base != nil {
		if has, _ := base.Config["defaultRevision"].(string); slices.Contains(revisions, has) && !slices.Contains(revisions, "") {
			return has
		}
	}
	return revisions[0] // "" sorts first
}

// point assigns the base's webhook to another revision by upgrading the installed chart.
func (w *work) point(have *release.Release, revision string) error {
	values := manifest.Merge(have.Config, map[string]any{"defaultRevision": baseValues("", revision, nil)["defaultRevision"]})
	if values["defaultRevision"] == have.Config["defaultRevision"] {
		return nil
	}
	if err := w.helm.uninstall(baseName); err != nil {
		return err
	}
	if err := w.helm.install(baseName, have.Chart, values, map[string]string{versionLabel: have.Labels[versionLabel]}); err != nil {
		return fmt.Errorf("validation webhook of the base for revision %q: %w", revision, err)
	}
	return nil
}
