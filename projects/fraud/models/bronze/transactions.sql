/*---
description: The feed as it came, one row a transaction.
checks:
  - not_null: [transactionID, type, amount, nameOrig, nameDest, isFraud, timestamp]
  - unique: transactionID
tags: [bronze]
---*/
SELECT *
FROM read_csv(
    $feed,
    header = true,
    columns = {
        'transactionID': 'BIGINT', 'step': 'BIGINT', 'type': 'VARCHAR', 'amount': 'DECIMAL(18, 2)',
        'nameOrig': 'VARCHAR', 'oldbalanceOrg': 'DECIMAL(18, 2)', 'newbalanceOrig': 'DECIMAL(18, 2)',
        'nameDest': 'VARCHAR', 'oldbalanceDest': 'DECIMAL(18, 2)', 'newbalanceDest': 'DECIMAL(18, 2)',
        'isFraud': 'TINYINT', 'isFlaggedFraud': 'TINYINT', 'timestamp': 'TIMESTAMPTZ'
    }
)
