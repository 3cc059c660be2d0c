package archtest

import (
	"go/ast"
	"regexp"
)

func initFunctions(s Sources) []Finding {
	return each(s, func(_ *ast.File, n ast.Node) (string, bool) {
		f, ok := n.(*ast.FuncDecl)
		return "func init", ok && f.Recv == nil && f.Name.Name == "init"
	})
}

func panics(s Sources) []Finding {
	return each(s, func(_ *ast.File, n ast.Node) (string, bool) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return "", false
		}
		f, ok := call.Fun.(*ast.Ident)
		return "panic", ok && f.Name == "panic"
	})
}

// unfinishedWord is written in two parts, or it would find itself.
var unfinishedWord = regexp.MustCompile(`\b(` + `TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func unfinished(s Sources) []Finding {
	var found []Finding
	for _, file := range s.Files {
		for _, group := range file.Comments {
			for _, c := range group.List {
				if word := unfinishedWord.FindString(c.Text); word != "" {
					found = append(found, Finding{c.Pos(), word})
				}
			}
		}
	}
	return found
}

// network finds what dials, listens or resolves. The packages themselves are
// allowed: their types (addresses, headers) are not the network.
func network(s Sources) []Finding {
	return either(
		calls("net", "Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer", "Listen", "ListenTCP", "ListenPacket",
			"ListenUDP", "ListenConfig", "LookupHost", "LookupIP", "LookupAddr", "LookupCNAME", "Resolver", "DefaultResolver"),
		calls("net/http", "Get", "Head", "Post", "PostForm", "Client", "Transport", "DefaultClient", "DefaultTransport", "Server", "ListenAndServe"),
		calls("crypto/tls", "Dial", "DialWithDialer", "Dialer", "Listen"),
	)(s)
}
