"""Which parts is a page made of? Each part of the document becomes markup here;
`doctor.report.html` puts the page together."""
