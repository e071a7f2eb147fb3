errors-start = To the start page
errors-detail = Details for support
errors-code = Code
errors-reference = Number of the request
errors-words = In other words
errors-help = Tell support the number of the request, and they will find what happened.
