forms-problem = There is a problem
forms-error = Error:
forms-optional = (optional)
forms-choose = Choose
forms-zloty = PLN
