module pena.example

go 1.22
