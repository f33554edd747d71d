// SPDX-License-Identifier: LGPL-2.1-only

package slim

import "strings"

// The options of the C program's getopt string, by whether they take an
// argument.
const (
	flagLetters = "cDEfFilNopsuy"
	argLetters  = "CdeGhjJnOPrRSUwtT"
)

// scanner walks a command line as getopt(3) of POSIX does, and as OpenWrt's C
// library does it: the first word that is no option ends the options, letters
// may be bundled (-po), an argument may be attached (-nweb) or be the next word
// whatever that looks like, and "--" ends the options and is dropped.
type scanner struct {
	args []string // what is left, args[0] being the word in work
	at   int      // next letter in args[0], 0 at its start
}

// next returns an option and its argument; 0 at the end, when s.args is the
// command.
func (s *scanner) next() (letter byte, arg string, err error) {
	if s.at == 0 {
		if len(s.args) == 0 {
			return 0, "", nil
		}
		switch w := s.args[0]; {
		case w == "--":
			s.args = s.args[1:]
			return 0, "", nil
		case len(w) < 2 || w[0] != '-':
			return 0, "", nil
		case strings.HasPrefix(w, "--"):
			return 0, "", &UsageError{Option: w, Why: "unknown option", Hint: "long options are --help and --version, first and alone"}
		}
		s.at = 1
	}
	word := s.args[0]
	letter = word[s.at]
	s.at++
	last := s.at == len(word)
	switch {
	case strings.IndexByte(flagLetters, letter) >= 0:
		if last {
			s.skip()
		}
		return letter, "", nil
	case strings.IndexByte(argLetters, letter) < 0:
		return 0, "", &UsageError{Option: option(letter), Why: "unknown option"}
	case !last:
		arg = word[s.at:]
		s.skip()
		return letter, arg, nil
	case len(s.args) < 2:
		return 0, "", &UsageError{Option: option(letter), Why: "needs an argument"}
	}
	s.skip()
	arg = s.args[0]
	s.skip()
	return letter, arg, nil
}

func (s *scanner) skip() {
	s.args = s.args[1:]
	s.at = 0
}

func option(letter byte) string { return string([]byte{'-', letter}) }
