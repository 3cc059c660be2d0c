package runner

import (
	"strings"

	"meshgate/framework/suite"
)

// Reference is the section of the specification that describes the feature, as a link
// relative to the repository: the page that Feature.Spec names, and the heading that is the
// feature's name, in the form that Markdown gives to anchors.
func Reference(f suite.Feature) string { return f.Spec + "#" + strings.ToLower(f.Name) }
