/*---
description: One row an account that money was sent to.
checks:
  - unique: receiver
tags: [gold]
---*/
SELECT
    receiver,
    count(*) AS transactions,
    sum(amount)::DECIMAL(18, 2) AS amount,
    max(amount) AS largest,
    count(*) FILTER (is_fraud) AS frauds,
    coalesce(sum(amount) FILTER (is_fraud), 0)::DECIMAL(18, 2) AS fraud_amount,
    count(*) FILTER (receiver_is_off) AS receiver_off,
    min(happened_at) AS first_at,
    max(happened_at) AS last_at
FROM silver.transactions
GROUP BY receiver
